# Reference values for tests/screening/test_stopping.py, from R's phyper and binom.test. Run in this folder:
#   Rscript make_stopping.R
# Reads nothing; writes stopping_unread.csv, stopping_ranked.csv, stopping_needed.csv and stopping_shares.csv.
# The values in the repository are R 4.2.2's. The equations are those of Callaghan and Müller-Hansen 2020
# (Systematic Reviews 9:273), in the form of their R vignette; everything is searched one by one.

save_csv <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) frame[[column]] <- trimws(formatC(frame[[column]], digits = 17, format = "g"))
  }
  write.csv(frame, file, row.names = FALSE, quote = FALSE)
}

# --- most relevant records outside a random sample of n of N with x relevant --------------------------------
most_outside <- function(N, n, x, confidence) {
  possible <- x:(N - n + x)
  p <- phyper(x, possible, N - possible, n)
  max(possible[p >= (1 - confidence) * (1 - 1e-9)]) - x
}
cases <- expand.grid(N = c(1, 2, 5, 20, 60, 300, 2000), part = c(0, 0.05, 0.2, 0.5, 0.95, 1),
                     found = c(0, 0.01, 0.2, 1), confidence = c(0.8, 0.95, 0.99))
cases$n <- as.integer(round(cases$N * cases$part))
cases$x <- as.integer(round(cases$n * cases$found))
cases <- unique(cases[c("N", "n", "x", "confidence")])
cases$bound <- mapply(most_outside, cases$N, cases$n, cases$x, cases$confidence)
save_csv(cases, "stopping_unread.csv")

# --- smallest p-value over the last 1, 2, ... records read --------------------------------------------------
smallest <- function(screened, N, target) {
  seen <- sum(screened)
  size <- seq_along(screened)
  x <- cumsum(rev(screened))
  k <- floor(seen / target - (seen - x) + 1 + 1e-9)
  population <- N - (length(screened) - size)
  p <- ifelse(k > population, 0, phyper(x, pmin(k, population), population - pmin(k, population), size))
  c(p = min(p), n_last = which.min(p))
}
set.seed(273)
rows <- list()
for (N in c(10, 60, 300)) for (target in c(0.8, 0.9, 0.95, 1)) for (i in 1:8) {
  read <- sample(1:(N - 1), 1)
  # Relevant ones are likelier early, as in a ranking.
  screened <- as.integer(runif(read) < 0.4 * exp(-4 * seq_len(read) / N))
  found <- smallest(screened, N, target)
  rows[[length(rows) + 1]] <- data.frame(N, target, screened = paste(screened, collapse = ""),
                                         p = found[["p"]], n_last = as.integer(found[["n_last"]]))
}
save_csv(do.call(rbind, rows), "stopping_ranked.csv")

# --- fewest records to read under a perfect ranking ---------------------------------------------------------
needed <- function(N, r, target, confidence) {
  for (n in max(r, 1):(N - 1)) {
    screened <- as.integer(seq_len(n) <= r)
    if (smallest(screened, N, target)[["p"]] < (1 - confidence) * (1 - 1e-9)) return(n)
  }
  N
}
table <- rbind(
  expand.grid(N = c(30, 60), r = 1:5, target = 0.95, confidence = 0.95),
  expand.grid(N = 300, r = 1:10, target = 0.95, confidence = 0.95),
  expand.grid(N = 2000, r = c(5, 10, 19, 20, 40, 80), target = 0.95, confidence = 0.95),
  expand.grid(N = c(3, 60, 300), r = c(0, 3), target = c(0.8, 1), confidence = c(0.9, 0.99))
)
table$needed <- as.integer(mapply(needed, table$N, table$r, table$target, table$confidence))
save_csv(table, "stopping_needed.csv")

# --- exact intervals of a share -----------------------------------------------------------------------------
shares <- expand.grid(n = c(1, 7, 60, 500), part = c(0, 0.1, 0.5, 1), confidence = c(0.9, 0.95))
shares$x <- as.integer(round(shares$n * shares$part))
shares$low <- mapply(function(x, n, c) binom.test(x, n, conf.level = c)$conf.int[1], shares$x, shares$n, shares$confidence)
shares$high <- mapply(function(x, n, c) binom.test(x, n, conf.level = c)$conf.int[2], shares$x, shares$n, shares$confidence)
shares$upper <- mapply(function(x, n, c) binom.test(x, n, alternative = "less", conf.level = c)$conf.int[2],
                       shares$x, shares$n, shares$confidence)
save_csv(shares[c("n", "x", "confidence", "low", "high", "upper")], "stopping_shares.csv")
