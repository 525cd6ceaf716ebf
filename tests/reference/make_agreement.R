# Reference values for tests/screening/test_agreement.py, computed by vcd, psych and R's own binom.test. Run in
# this folder:
#   Rscript make_agreement.R
# Reads nothing; writes agreement.csv (one row per table: its counts by rows, kappa with the standard error and
# interval of vcd, the interval of psych, and the exact interval of the share of agreement) and
# agreement_versions.csv. Numbers have 17 significant digits, which give a double back exactly.

suppressMessages({library(vcd); library(psych)})

tables <- list(
  typical = c(40, 9, 6, 145),
  rare = c(3, 2, 1, 494),
  moderate = c(20, 5, 10, 15),
  worse_than_chance = c(2, 11, 9, 3),
  one_rater_constant = c(0, 12, 0, 30),
  with_awaiting = c(12, 3, 2, 4, 80, 1, 0, 5, 6),
  awaiting_by_one_only = c(25, 1, 3, 2, 60, 4, 0, 0, 0),
  small = c(2, 1, 0, 0, 1, 1, 0, 0, 1)
)

digits <- function(x) trimws(formatC(x, digits = 17, format = "g"))

rows <- lapply(names(tables), function(name) {
  counts <- tables[[name]]
  m <- matrix(counts, sqrt(length(counts)), byrow = TRUE)
  of_vcd <- Kappa(m)$Unweighted
  bounds <- confint(Kappa(m))["Unweighted", ]
  # Both packages cut their bounds at -1 and 1.
  of_psych <- cohen.kappa(m, n.obs = sum(m))$confid["unweighted kappa", ]
  exact <- binom.test(sum(diag(m)), sum(m))$conf.int
  data.frame(
    name = name, counts = paste(counts, collapse = " "),
    kappa = digits(of_vcd[["value"]]), se = digits(of_vcd[["ASE"]]),
    low = digits(bounds[[1]]), high = digits(bounds[[2]]),
    psych_kappa = digits(of_psych[["estimate"]]),
    psych_low = digits(of_psych[["lower"]]), psych_high = digits(of_psych[["upper"]]),
    exact_low = digits(exact[[1]]), exact_high = digits(exact[[2]])
  )
})
write.csv(do.call(rbind, rows), "agreement.csv", row.names = FALSE, quote = FALSE)
names <- c("R", "vcd", "psych")
versions <- c(as.character(getRversion()), as.character(packageVersion("vcd")), as.character(packageVersion("psych")))
write.csv(data.frame(name = names, version = versions), "agreement_versions.csv", row.names = FALSE, quote = FALSE)
