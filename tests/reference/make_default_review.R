# Effect sizes and pools of the bundled review, computed by metafor. Run in this folder:
#   (cd ../.. && PYTHONPATH=scripts python tests/reference/export_default_effects.py)
#   Rscript make_default_review.R
# Reads ../../data/trials/outcomes.csv (the printed means, for escalc) and default_effects.csv (which rows are
# pooled, and their yi and vi); writes default_escalc.csv, default_estimates.csv and default_between.csv.

suppressMessages(library(metafor))
control <- list(threshold = 1e-14, maxiter = 10000)
run <- "2026-11"

save_csv <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) frame[[column]] <- trimws(formatC(frame[[column]], digits = 17, format = "g"))
  }
  frame[frame == "NA" | frame == "NaN"] <- NA
  write.csv(frame, file, row.names = FALSE, quote = FALSE, na = "")
}

# --- effect sizes from means, and from printed d with arm sizes ---------------------------------------------
rows <- read.csv("../../data/trials/outcomes.csv", stringsAsFactors = FALSE)
rows <- rows[rows$run <= run & rows$status == "ok", ]
rows <- rows[order(rows$row_id, -rows$revision), ]
rows <- rows[!duplicated(rows$row_id), ]
means <- rows[rows$effect_type == "means" & !is.na(rows$n_1), ]
es <- escalc("SMD", m1i = mean_1, sd1i = sd_1, n1i = n_1, m2i = mean_2, sd2i = sd_2, n2i = n_2, data = means)
turn <- ifelse(means$higher_is == "better", -1, 1)
from_means <- data.frame(row_id = means$row_id, yi = c(es$yi) * turn, vi = c(es$vi))
printed <- rows[rows$effect_type == "cohen_d" & rows$printed_direction == "favours treatment", ]
printed$n_1 <- ifelse(is.na(printed$n_1), printed$n_total / 2, printed$n_1)
printed$n_2 <- ifelse(is.na(printed$n_2), printed$n_total / 2, printed$n_2)
printed <- printed[!is.na(printed$n_1), ]
es <- escalc("SMD", di = -as.numeric(printed$printed_effect), n1i = printed$n_1, n2i = printed$n_2)
from_d <- data.frame(row_id = printed$row_id, yi = c(es$yi), vi = c(es$vi))
save_csv(rbind(from_means, from_d), "default_escalc.csv")

# --- pools --------------------------------------------------------------------------------------------------
effects <- read.csv("default_effects.csv", stringsAsFactors = FALSE)

estimate <- function(set) {
  if (nrow(set) == 1) {
    res <- rma(yi = yi, vi = vi, data = set, method = "EE")
  } else {
    res <- rma(yi = yi, vi = vi, data = set, method = "REML", test = "knha", control = control)
  }
  single <- nrow(set) == 1
  known <- function(x) if (single) NA_real_ else x
  pred <- if (single) list(pi.lb = NA_real_, pi.ub = NA_real_) else predict(res)
  data.frame(k = res$k, n_studies = length(unique(set$study)), estimate = c(res$beta), se = res$se,
    ci_low = res$ci.lb, ci_high = res$ci.ub, pval = res$pval, pi_low = pred$pi.lb, pi_high = pred$pi.ub,
    tau2 = known(res$tau2), I2 = known(res$I2), H2 = known(res$H2), QE = known(res$QE), QE_df = res$k - 1,
    QE_p = known(res$QEp))
}

all <- tests <- NULL
add <- function(outcome, part, value, set) {
  all <<- rbind(all, cbind(data.frame(outcome, part, value), estimate(set)))
}
for (outcome in unique(effects$outcome)) {
  wider <- effects[effects$outcome == outcome, ]
  pool <- wider[wider$in_pool == "true", ]
  add(outcome, "sensitivity", "", wider)
  if (nrow(pool) == 0) next
  add(outcome, "main", "", pool)
  studies <- unique(pool$study)
  if (length(studies) > 1) for (s in studies) add(outcome, "leave_one_out", s, pool[pool$study != s, ])
  for (variable in c("population", "condition", "comparator")) {
    values <- unique(pool[[variable]])
    for (v in values) add(outcome, variable, v, pool[pool[[variable]] == v, ])
    # Between groups: unadjusted standard errors, and only groups that have a tau2 of their own.
    compared <- values[sapply(values, function(v) sum(pool[[variable]] == v) > 1)]
    if (length(compared) < 2) next
    parts <- lapply(compared, function(v) {
      rma(yi = yi, vi = vi, data = pool[pool[[variable]] == v, ], method = "REML", test = "z", control = control)
    })
    est <- sapply(parts, function(r) c(r$beta))
    se <- sapply(parts, function(r) r$se)
    res <- rma(est, sei = se, mods = ~ factor(compared), method = "FE")
    tests <- rbind(tests, data.frame(outcome, variable, QM = res$QM, df = res$m, p = res$QMp,
      n_groups = length(compared), left_out = paste(setdiff(values, compared), collapse = ";")))
  }
}
save_csv(all, "default_estimates.csv")
save_csv(tests, "default_between.csv")
