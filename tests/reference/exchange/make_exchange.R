# Reads metapsy_example.csv as a user of the standard does, and computes the effects from its means with metafor.
# Run in this folder: Rscript make_exchange.R
library(metafor)
d <- read.csv2("metapsy_example.csv", check.names = FALSE, stringsAsFactors = FALSE)
write.csv(data.frame(column = names(d), class = sapply(d, class)), "classes.csv", row.names = FALSE, quote = FALSE)
m <- d[!is.na(d$mean_arm1), ]
e <- escalc("SMD", m1i = mean_arm1, sd1i = sd_arm1, n1i = n_arm1, m2i = mean_arm2, sd2i = sd_arm2, n2i = n_arm2,
            data = m)
sign <- ifelse(as.logical(m$change_sign), -1, 1)
write.csv(data.frame(row_id = m$row_id, comparison = ifelse(is.na(m$comparison), "", m$comparison),
                     g = m$.g, g_se = m$.g_se, yi = sprintf("%.12g", sign * e$yi), vi = sprintf("%.12g", e$vi)),
          "escalc.csv", row.names = FALSE, quote = FALSE)
writeLines(c(paste("metafor", packageVersion("metafor")), R.version.string), "versions.txt")
