# Reference values for tests/trials/test_measures.py and test_spread.py, by metafor. Run in this folder:
#   Rscript make_conversions.R
# Reads nothing; writes means.csv, tables.csv, changes.csv, versions.csv. 17 significant digits.

suppressMessages(library(metafor))

save_csv <- function(frame, file) {
  for (column in names(frame)) if (is.numeric(frame[[column]])) {
    frame[[column]] <- sprintf("%.17g", frame[[column]])
  }
  write.csv(frame, file, row.names = FALSE, quote = FALSE)
}

take <- function(measure, label = measure, ...) {
  e <- suppressWarnings(escalc(measure = measure, ...))
  out <- data.frame(as.numeric(e$yi), as.numeric(e$vi))
  names(out) <- paste0(c("yi_", "vi_"), label)
  out
}

set.seed(20181)
m <- data.frame(
  mean_1 = runif(20, 2, 40), sd_1 = runif(20, 0.5, 9), n_1 = sample(3:200, 20),
  mean_2 = runif(20, 2, 40), sd_2 = runif(20, 0.5, 9), n_2 = sample(3:200, 20)
)
means <- function(measure, label = measure, ...) {
  with(m, take(measure, label, m1i = mean_1, sd1i = sd_1, n1i = n_1, m2i = mean_2, sd2i = sd_2, n2i = n_2, ...))
}
save_csv(cbind(m, means("MD"), means("SMD", "LS"), means("SMD", "UB", vtype = "UB"), means("SMDH"),
  means("ROM")), "means.csv")

b <- data.frame(
  events_1 = c(0, 0, 5, 10, 3, 12, 7, 40, 20, 1), n_1 = c(10, 12, 5, 10, 20, 40, 31, 90, 55, 200),
  events_2 = c(0, 4, 2, 12, 0, 20, 9, 61, 11, 3), n_2 = c(11, 15, 8, 12, 18, 41, 30, 88, 60, 190)
)
counts <- function(measure, label = measure, ...) {
  with(b, take(measure, label, ai = events_1, n1i = n_1, ci = events_2, n2i = n_2, ...))
}
save_csv(cbind(b, counts("OR"), counts("RR"), counts("RD"), counts("OR", "OR_all", to = "all"),
  counts("RR", "RR_if0all", to = "if0all", add = 0.25), counts("RD", "RD_drop", drop00 = TRUE),
  counts("OR", "OR_drop", drop00 = TRUE), counts("OR2DL"), counts("OR2DN"),
  counts("PHI", to = "none")), "tables.csv")

c <- data.frame(mean_before = runif(8, 20, 30), mean_after = runif(8, 10, 30), sd_before = runif(8, 3, 9),
  n = sample(5:90, 8), correlation = runif(8, -0.2, 0.9))
save_csv(cbind(c, with(c, take("SMCR", m1i = mean_after, m2i = mean_before, sd1i = sd_before, ni = n,
  ri = correlation))), "changes.csv")

save_csv(data.frame(program = c("R", "metafor"),
  version = c(paste(R.version$major, R.version$minor, sep = "."), as.character(packageVersion("metafor")))),
  "versions.csv")
