# Computes the main results again with metafor and compares them with those of the review.
#
#   Rscript analysis.R          in the folder of effects.csv, expected.csv and settings.csv
#
# Prints each number beside the review's; ends with status 1 if one differs by more than 1e-6 of its size
# (1e-8 where it is below 0.01), or if a number is missing on either side.
suppressPackageStartupMessages(library(metafor))

effects <- read.csv("effects.csv", check.names = FALSE, stringsAsFactors = FALSE)
effects <- effects[tolower(effects$in_pool) == "true", ]
expected <- read.csv("expected.csv", stringsAsFactors = FALSE, na.strings = "")
settings <- read.csv("settings.csv", stringsAsFactors = FALSE)
level <- 100 * settings$level
text <- function(x) ifelse(is.na(x), "", x)

# Tight convergence, since the numbers are compared to six digits.
fit <- function(d) {
  rma(yi, vi, data = d, method = settings$method_tau2, test = settings$method_ci, level = level,
      control = list(threshold = 1e-13, maxiter = 10000, tol = 1e-13))
}

found <- list()
note <- function(outcome, model, variable, group, values) {
  for (name in names(values)) {
    key <- paste(outcome, model, variable, group, name, sep = "|")
    found[[key]] <<- unname(values[[name]])
  }
}

# The prediction interval that the protocol names; NULL where it has too few degrees of freedom.
prediction <- function(m) {
  kind <- settings$method_pi
  usual <- predict(m)
  if (kind == "metafor") return(c(usual$pi.lb, usual$pi.ub))
  tail <- 1 - (1 - settings$level) / 2
  df <- switch(kind, HTS = , Riley = m$k - 2, `k-1` = m$k - 1, z = Inf, stop("unknown prediction interval ", kind))
  if (df < 1) return(c(NULL, NULL))
  variance <- if (kind == "HTS") 1 / sum(1 / (m$vi + m$tau2)) else m$se^2
  as.numeric(m$beta) + c(-1, 1) * qt(tail, df) * sqrt(variance + m$tau2)
}

overall <- function(d) {
  if (nrow(d) < 2) {
    half <- qnorm(1 - (1 - settings$level) / 2) * sqrt(d$vi)
    return(list(k = 1, estimate = d$yi, se = sqrt(d$vi), ci_low = d$yi - half, ci_high = d$yi + half,
                pval = 2 * pnorm(-abs(d$yi) / sqrt(d$vi))))
  }
  m <- fit(d)
  p <- prediction(m)
  list(k = m$k, estimate = as.numeric(m$beta), se = m$se, ci_low = m$ci.lb, ci_high = m$ci.ub,
       pval = m$pval, pi_low = p[1], pi_high = p[2], tau2 = m$tau2, I2 = m$I2, H2 = m$H2,
       QE = m$QE, QE_p = m$QEp)
}

profile_q <- function(d) {
  if (nrow(d) < 2) return(list())
  i <- suppressWarnings(confint(fit(d), level = level, control = list(tol = 1e-12, maxiter = 10000)))$random
  list(tau2_low = i["tau^2", "ci.lb"], tau2_high = i["tau^2", "ci.ub"])
}

# Each group with its own tau2; groups of one effect are not compared; unadjusted standard errors.
between <- function(d, variable) {
  parts <- Filter(function(p) nrow(p) > 1, split(d, d[[variable]]))
  if (length(parts) < 2) return(list())
  z <- lapply(parts, function(p) rma(yi, vi, data = p, method = settings$method_tau2,
                                     control = list(threshold = 1e-13, maxiter = 10000, tol = 1e-13)))
  m <- rma(sapply(z, function(f) as.numeric(f$beta)), sei = sapply(z, function(f) f$se),
           mods = ~ factor(names(parts)), method = "FE")
  list(QM = m$QM, QM_df = m$m, QM_p = m$QMp)
}

three_level <- function(d) {
  if (!any(duplicated(d$study)) || length(unique(d$study)) < 2) return(list())
  m <- rma.mv(yi, vi, random = ~ 1 | study/effect, data = d, test = "t", dfs = "contain", level = level,
              control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 10000))
  list(estimate = as.numeric(m$beta), se = m$se, ci_low = m$ci.lb, ci_high = m$ci.ub,
       sigma2_between = m$sigma2[1], sigma2_within = m$sigma2[2])
}

# Several effects of one trial and comparison are pooled by the review as dependent (correlated and hierarchical
# effects, robust variance); the models below take them as independent.
dependent <- function(d) any(duplicated(paste(d$study, d$comparison)))

variables <- unique(text(expected$variable[expected$model %in% c("group", "between")]))
for (outcome in unique(effects$outcome)) {
  d <- effects[effects$outcome == outcome, ]
  if (dependent(d)) {
    cat("not compared:", outcome, "has several effects of one trial and comparison, pooled as dependent\n")
    next
  }
  note(outcome, "overall", "", "", overall(d))
  note(outcome, "q_profile", "", "", profile_q(d))
  note(outcome, "three_level", "", "", three_level(d))
  for (variable in variables) {
    for (group in unique(d[[variable]])) {
      part <- overall(d[d[[variable]] == group, ])
      note(outcome, "group", variable, group, part[intersect(names(part), c("k", "estimate", "ci_low",
                                                                            "ci_high", "tau2", "I2"))])
    }
    note(outcome, "between", variable, "", between(d, variable))
  }
}

keys <- paste(expected$outcome, expected$model, text(expected$variable), text(expected$group),
              expected$statistic, sep = "|")
r <- sapply(keys, function(key) if (is.null(found[[key]])) NA else found[[key]])
off <- abs(r - expected$expected) / pmax(abs(expected$expected), 0.01)
wrong <- is.na(off) | off > 1e-6
cat(sprintf("%-72s %16.9g %16.9g%s\n", keys, expected$expected, r, ifelse(wrong, "  differs", "")), sep = "")
unmatched <- setdiff(names(found), keys)
if (length(unmatched)) cat("not among the review's numbers:", unmatched, sep = "\n  ")
cat(sprintf("%d numbers compared with metafor %s, %d differ\n", length(keys), packageVersion("metafor"), sum(wrong)))
if (any(wrong) || length(unmatched) || !nrow(effects)) quit(status = 1)
