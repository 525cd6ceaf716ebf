# Reference values for tests/pooling and tests/trials, computed by metafor. Run in this folder:
#   Rscript make_reference.R
# Reads nothing; writes escalc.csv, inputs.csv, estimates.csv, weights.csv, leave_one_out.csv, subgroups.csv,
# between.csv and versions.csv. Numbers have 17 significant digits, which give a double back exactly.

suppressMessages(library(metafor))

# metafor's default stops at a step of 1e-5 in tau2; these settings make its answer good for comparison.
control <- list(threshold = 1e-14, maxiter = 10000)

save_csv <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) frame[[column]] <- trimws(formatC(frame[[column]], digits = 17, format = "g"))
  }
  frame[frame == "NA" | frame == "NaN"] <- NA
  write.csv(frame, file, row.names = FALSE, quote = FALSE, na = "")
}

fit <- function(yi, vi, method, test, stepadj = 1) {
  if (length(yi) == 1) return(rma(yi, vi, method = "EE", test = "z"))
  rma(yi, vi, method = method, test = test, control = c(control, stepadj = stepadj))
}

row_of <- function(res) {
  pred <- predict(res)
  single <- res$k == 1
  missing <- function(x) if (single || is.null(x)) NA_real_ else x
  data.frame(
    k = res$k, estimate = c(res$beta), se = res$se, ci_low = res$ci.lb, ci_high = res$ci.ub,
    stat = res$zval, pval = res$pval, pi_low = missing(pred$pi.lb), pi_high = missing(pred$pi.ub),
    tau2 = missing(res$tau2), I2 = missing(res$I2), H2 = missing(res$H2),
    QE = missing(res$QE), QE_df = res$k - 1, QE_p = missing(res$QEp)
  )
}

# --- standardised mean differences -----------------------------------------------------------------------
set.seed(16)
n <- 20
smd <- data.frame(
  mean_1 = round(rnorm(n, 10, 4), 2), sd_1 = round(runif(n, 0.5, 6), 2), n_1 = sample(2:80, n),
  mean_2 = round(rnorm(n, 12, 4), 2), sd_2 = round(runif(n, 0.5, 6), 2), n_2 = sample(2:80, n)
)
smd$n_1[1:5] <- c(2, 2, 3, 2, 1000)
smd$n_2[1:5] <- c(2, 3, 2, 400, 1200)
# Shared controls divided by two or three make fractions of people.
smd$n_2[6:7] <- c(50.5, 101 / 3)
es <- escalc("SMD", m1i = mean_1, sd1i = sd_1, n1i = n_1, m2i = mean_2, sd2i = sd_2, n2i = n_2, data = smd)
smd$yi <- c(es$yi)
smd$vi <- c(es$vi)
smd$df <- smd$n_1 + smd$n_2 - 2
smd$J <- metafor:::.cmicalc(smd$df)
smd$d <- smd$yi / smd$J
save_csv(smd, "escalc.csv")

# --- sets to pool ----------------------------------------------------------------------------------------
one <- function(set, yi, vi, study = seq_along(yi), group = "all", stepadj = 1) {
  data.frame(set, i = seq_along(yi), study = as.character(study), group = as.character(group),
             yi = as.double(yi), vi = as.double(vi), stepadj)
}

bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
normand <- escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.normand1999)
curtis <- escalc("ROM", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.curtis1998)
district <- dat.konstantopoulos2011

sets <- list(
  one("bcg", bcg$yi, bcg$vi, group = bcg$alloc),
  one("normand1999", normand$yi, normand$vi),
  one("curtis1998", curtis$yi, curtis$vi, study = curtis$paper, group = curtis$method),
  one("konstantopoulos2011", district$yi, district$vi, study = district$district, group = district$year),
  one("k1", -0.35, 0.04),
  one("k2", c(-0.5, -0.1), c(0.03, 0.08)),
  one("k2_equal", c(-0.3, -0.3), c(0.03, 0.08)),
  one("k3", c(-0.9, -0.1, 0.2), c(0.02, 0.05, 0.01), group = c("a", "a", "b")),
  one("homogeneous", c(-0.31, -0.30, -0.29, -0.32, -0.28), c(0.04, 0.05, 0.03, 0.06, 0.08)),
  # Hedges' start is above zero and the maximum at zero: the boundary is reached by halving.
  one("boundary", c(0.80, 0.10, 0.12, 0.09, 0.11), c(0.90, 0.01, 0.01, 0.01, 0.01)),
  one("extreme", c(-40, 3, 0.5, 25, -7), c(0.01, 0.02, 0.001, 0.5, 0.03)),
  one("far_from_zero", 1e4 + c(0.1, 0.5, 0.9, 0.3), c(0.01, 0.02, 0.03, 0.01)),
  # Full Fisher steps oscillate here, and rma() stops with an error unless they are halved.
  one("oscillating", c(0.06, 0.16, -0.24, 0.12, 0.27, -0.03, -0.06, -0.60, 0.15),
      c(0.033, 0.005, 0.403, 0.026, 0.261, 0.464, 0.003, 1.828, 0.036), stepadj = 0.5),
  # Scoring ends on a local maximum that is lower than the likelihood at zero; rma() warns and takes zero.
  one("local_maximum", c(2.11, 0.05, 0.06, 4.90, -0.25, 0.05), c(0.383, 0.007, 0.003, 6.799, 0.842, 0.036))
)
set.seed(2016)
for (s in 1:40) {
  k <- sample(3:30, 1)
  vi <- 1 / sample(8:300, k, replace = TRUE) * 4
  tau <- sample(c(0, 0.05, 0.2, 0.5, 2), 1)
  sets[[length(sets) + 1]] <- one(sprintf("random_%02d", s), rnorm(k, runif(1, -1, 1), sqrt(vi + tau^2)), vi,
    study = sample(max(2, k %/% 2), k, replace = TRUE), group = sample(letters[1:3], k, replace = TRUE))
}
inputs <- do.call(rbind, sets)
save_csv(inputs[c("set", "i", "study", "group", "yi", "vi")], "inputs.csv")

estimates <- weights_ <- left <- groups <- tests <- NULL
for (set in sets) {
  name <- set$set[1]
  for (method in c("REML", "DL")) for (test in c("knha", "z")) {
    res <- fit(set$yi, set$vi, method, test, set$stepadj[1])
    estimates <- rbind(estimates, cbind(data.frame(set = name, method, test), row_of(res)))
    if (method == "REML" && test == "knha") {
      weights_ <- rbind(weights_, data.frame(set = name, i = set$i, weight = as.double(weights(res))))
    }
  }
  studies <- unique(set$study)
  if (length(studies) > 1 && length(studies) < nrow(set)) for (study in studies) {
    kept <- set[set$study != study, ]
    res <- fit(kept$yi, kept$vi, "REML", "knha")
    left <- rbind(left, cbind(data.frame(set = name, omitted = study), row_of(res)))
  }
  values <- unique(set$group)
  if (length(values) > 1) {
    parts <- lapply(values, function(v) fit(set$yi[set$group == v], set$vi[set$group == v], "REML", "knha"))
    groups <- rbind(groups, cbind(data.frame(set = name, group = values), do.call(rbind, lapply(parts, row_of))))
    # Between groups: unadjusted standard errors, and only groups that have a tau2 of their own.
    compared <- values[sapply(values, function(v) sum(set$group == v) > 1)]
    if (length(compared) < 2) next
    parts <- lapply(compared, function(v) fit(set$yi[set$group == v], set$vi[set$group == v], "REML", "z"))
    est <- sapply(parts, function(r) c(r$beta))
    se <- sapply(parts, function(r) r$se)
    meta <- rma(est, sei = se, mods = ~ factor(compared), method = "FE")
    tests <- rbind(tests, data.frame(set = name, QM = meta$QM, df = meta$m, p = meta$QMp,
      n_groups = length(compared), left_out = paste(setdiff(values, compared), collapse = ";")))
  }
}
save_csv(estimates, "estimates.csv")
save_csv(weights_, "weights.csv")
save_csv(left, "leave_one_out.csv")
save_csv(groups, "subgroups.csv")
save_csv(tests, "between.csv")

versions <- data.frame(name = c("R", "metafor", "metadat"), version = c(
  paste(R.version$major, R.version$minor, sep = "."),
  as.character(packageVersion("metafor")), as.character(packageVersion("metadat"))))
write.csv(versions, "versions.csv", row.names = FALSE, quote = FALSE)
