# Reference values for the estimators, tests, intervals and moderators of random_effects.fit, by metafor.
# Run in this folder: Rscript make_pooling.R    Reads nothing; writes the CSV files beside it.
# Numbers have 17 significant digits, which give a double back exactly.

suppressMessages(library(metafor))
METHODS <- c("DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "FE")
# metafor stops at a step of 1e-5 in tau2 and at 1e-4 in its root searches by default.
control <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-14, tau2.max = 1e6)
tight <- list(tol = 1e-15, maxiter = 10000, tau2.max = 1e4)

save_csv <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) frame[[column]] <- trimws(formatC(frame[[column]], digits = 17, format = "g"))
  }
  frame[frame == "NA" | frame == "NaN"] <- NA
  write.csv(frame, file, row.names = FALSE, quote = FALSE, na = "")
}
or_na <- function(x) if (is.null(x) || length(x) == 0) NA_real_ else c(x)

# A set: effects, two numeric moderators, and groups.
one <- function(set, yi, vi, x1 = NA, x2 = NA, group = "all") {
  data.frame(set, i = seq_along(yi), yi = as.double(yi), vi = as.double(vi), x1 = as.double(x1), x2 = as.double(x2),
             group = as.character(group))
}
bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bang <- subset(dat.bangertdrowns2004, !is.na(length) & !is.na(wic))
raud <- dat.raudenbush1985
sets <- list(
  one("bcg", bcg$yi, bcg$vi, bcg$ablat, bcg$year, bcg$alloc),
  one("bangertdrowns", bang$yi, bang$vi, bang$length, bang$wic, bang$grade),
  one("raudenbush", raud$yi, raud$vi, raud$weeks, rev(raud$weeks), raud$setting),
  one("homogeneous", c(0.10, 0.1001, 0.0999, 0.1, 0.11), c(0.1, 0.2, 0.1, 0.3, 0.2), 1:5, c(2, 1, 4, 3, 9), c("a", "a", "b", "b", "b")),
  one("k2", c(-0.5, 0.4), c(0.03, 0.08)),
  one("k3", c(-0.9, -0.1, 0.2), c(0.02, 0.05, 0.01), c(1, 5, 2)),
  one("spread", c(-40, 3, 0.5, 25, -7, 11), c(0.01, 0.02, 0.001, 0.5, 0.03, 2), c(1, 3, 2, 5, 4, 9), c(0, 1, 0, 1, 1, 0), rep(c("a", "b"), 3))
)
set.seed(71)
for (s in 1:14) {
  k <- sample(4:30, 1)
  vi <- rexp(k, 10) + 0.003
  x1 <- rnorm(k, 50, 10); x2 <- rbinom(k, 1, 0.5)
  if (length(unique(x2)) < 2) x2[1] <- 1 - x2[1]
  yi <- rnorm(k, 0.02 * (x1 - 50) * sample(0:1, 1), sqrt(vi + sample(c(0, 0.01, 0.1, 0.4), 1)))
  sets[[length(sets) + 1]] <- one(sprintf("random_%02d", s), yi, vi, x1, x2, sample(letters[1:3], k, replace = TRUE))
}
save_csv(do.call(rbind, sets), "inputs.csv")

# Full scoring steps that swing for ever are shortened, as metafor's manual advises.
fit <- function(yi, vi, ...) {
  for (step in c(1, 0.5, 0.25, 0.1)) {
    about <- list(yi = yi, vi = vi, ..., control = c(control, stepadj = step))
    res <- try(suppressWarnings(do.call(rma, about[!sapply(about, is.null)])), silent = TRUE)
    if (!inherits(res, "try-error")) return(res)
  }
  stop(res)
}

row_of <- function(r) data.frame(k = r$k, estimate = c(r$beta), se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub, stat = r$zval,
  df = or_na(r$ddf), pval = r$pval, tau2 = r$tau2, se_tau2 = or_na(r$se.tau2), I2 = r$I2, H2 = r$H2, QE = r$QE, QE_p = r$QEp)

means <- intervals <- tables <- models <- predictions <- between <- groups <- NULL
for (s in sets) {
  set <- s$set[1]
  for (method in METHODS) for (test in c("z", "t", "knha", "adhoc")) {
    r <- fit(s$yi, s$vi, method = method, test = test)
    p <- predict(r); riley <- predict(r, pi.type = "riley"); t <- predict(r, pi.type = "t")
    means <- rbind(means, cbind(data.frame(set, method, test), row_of(r), data.frame(
      pi_low = or_na(p$pi.lb), pi_high = or_na(p$pi.ub), riley_low = or_na(riley$pi.lb), riley_high = or_na(riley$pi.ub),
      t_low = or_na(t$pi.lb), t_high = or_na(t$pi.ub))))
  }
  r <- fit(s$yi, s$vi, method = "GENQ", weights = 1 / (s$vi + 0.05), test = "z")
  means <- rbind(means, cbind(data.frame(set, method = "GENQ", test = "z"), row_of(r), data.frame(pi_low = predict(r)$pi.lb,
    pi_high = predict(r)$pi.ub, riley_low = NA, riley_high = NA, t_low = NA, t_high = NA)))
  formulas <- list(mean = NULL)
  if (!anyNA(s$x1)) formulas$x1 <- ~ x1
  if (!anyNA(s$x2)) formulas$x1_x2 <- ~ x1 + x2
  if (length(unique(s$group)) > 1) formulas$group <- ~ group
  if (length(unique(s$group)) > 1 && nrow(s) > 8) { formulas$x1_group <- ~ x1 + group; formulas$no_intercept <- ~ 0 + group }
  for (name in names(formulas)) {
    for (method in c("REML", "ML")) for (type in c("QP", "PL")) for (level in c(95, if (name == "mean") 80)) {
      r <- fit(s$yi, s$vi, mods = formulas[[name]], data = s, method = method)
      ci <- confint(r, type = type, level = level, control = tight)
      random <- ci$random
      intervals <- rbind(intervals, data.frame(set, model = name, method, type, level = level / 100, low = random[1, 2],
        high = random[1, 3], I2_low = random[3, 2], I2_high = random[3, 3], H2_low = random[4, 2], H2_high = random[4, 3],
        empty = isTRUE(ci$ci.null), logLik_ml = c(logLik(r, REML = FALSE)), logLik_reml = c(logLik(r, REML = TRUE))))
    }
    if (name == "mean") next
    if (set %in% sprintf("random_%02d", 8:14)) next  # enough sets; a fit with moderators takes time
    for (method in METHODS) for (test in c("z", "knha", if (method == "REML") c("t", "adhoc"))) {
      r <- fit(s$yi, s$vi, mods = formulas[[name]], data = s, method = method, test = test)
      about <- data.frame(set, model = name, method, test)
      if (method %in% c("REML", "DL", "EB", "FE")) tables <- rbind(tables, cbind(about, data.frame(j = seq_len(r$p), estimate = c(r$beta), se = r$se, stat = r$zval,
        df = or_na(r$ddf), pval = r$pval, ci_low = r$ci.lb, ci_high = r$ci.ub)))
      models <- rbind(models, cbind(about, data.frame(k = r$k, tau2 = r$tau2, se_tau2 = or_na(r$se.tau2), I2 = r$I2, H2 = r$H2,
        QE = r$QE, QE_p = r$QEp, QM = r$QM, QM_df = r$QMdf[1], QM_df2 = r$QMdf[2], QM_p = r$QMp, R2 = or_na(r$R2))))
      if (method == "REML" && test == "knha" && name %in% c("x1_x2", "group")) {
        p <- predict(r)
        predictions <- rbind(predictions, cbind(about, data.frame(i = seq_len(r$k), estimate = p$pred, se = p$se, ci_low = p$ci.lb,
          ci_high = p$ci.ub, pi_low = p$pi.lb, pi_high = p$pi.ub, weight = c(weights(r)))))
      }
    }
  }
  if (length(unique(s$group)) > 1) for (test in c("z", "t", "knha", "adhoc")) for (method in c("REML", "DL")) for (least in 1:2) {
    sizes <- table(s$group)
    kept <- s[s$group %in% names(sizes)[sizes >= least], ]
    if (length(unique(kept$group)) < 2 || nrow(kept) <= length(unique(kept$group))) next
    r <- fit(kept$yi, kept$vi, mods = ~ group, data = kept, method = method, test = test)
    between <- rbind(between, data.frame(set, method, test, min_compared = least, QM = r$QM, df = r$QMdf[1], df2 = r$QMdf[2],
      p = r$QMp, tau2 = r$tau2, R2 = or_na(r$R2)))
    if (least == 1) {
      r <- fit(s$yi, s$vi, mods = ~ 0 + group, data = s, method = method, test = test)
      p <- predict(r, newmods = diag(r$p))
      groups <- rbind(groups, data.frame(set, method, test, group = sort(unique(s$group)), estimate = c(r$beta), se = r$se,
        stat = r$zval, pval = r$pval, ci_low = r$ci.lb, ci_high = r$ci.ub, pi_low = p$pi.lb, pi_high = p$pi.ub, tau2 = r$tau2))
    }
  }
}
save_csv(means, "means.csv")
save_csv(intervals, "intervals.csv")
save_csv(tables, "coefficients.csv")
save_csv(models, "models.csv")
save_csv(predictions, "predictions.csv")
save_csv(between, "between.csv")
save_csv(groups, "groups.csv")
versions <- data.frame(name = c("R", "metafor", "metadat"), version = c(paste(R.version$major, R.version$minor, sep = "."),
  as.character(packageVersion("metafor")), as.character(packageVersion("metadat"))))
write.csv(versions, "versions.csv", row.names = FALSE, quote = FALSE)
