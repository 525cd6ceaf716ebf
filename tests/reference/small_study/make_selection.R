# Reference values of metafor's selmodel() on the sets of sets.csv. Run in this folder:
#   Rscript make_selection.R
# Reads sets.csv; writes selection_steps.csv and selection_smooth.csv. Needs numDeriv (Debian: r-cran-numderiv).
# Numbers have 17 significant digits.
#
# metafor's optimiser is started twice, from its own start and then from its own answer with tighter limits, and the
# integrals of the continuous families are computed to 1e-9 instead of 1e-4; the answers still carry an error of
# about the square root of the likelihood's rounding, so that estimates agree to about 1e-5 of their standard error.

suppressMessages({library(metafor); library(numDeriv)})

save_csv <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) frame[[column]] <- trimws(formatC(frame[[column]], digits = 17, format = "g"))
  }
  frame[frame == "NA" | frame == "NaN"] <- NA
  write.csv(frame, file, row.names = FALSE, quote = FALSE, na = "")
}

sets <- read.csv("sets.csv")
each <- split(sets, factor(sets$set, levels = unique(sets$set)))

steps <- list(
  list(type = "stepfun", alternative = "less", steps = 0.025),
  list(type = "stepfun", alternative = "greater", steps = 0.025),
  list(type = "stepfun", alternative = "two.sided", steps = 0.05),
  list(type = "stepfun", alternative = "less", steps = c(0.025, 0.5)),
  list(type = "stepfun", alternative = "greater", steps = c(0.025, 0.5)),
  list(type = "stepfun", alternative = "two.sided", steps = c(0.01, 0.05, 0.5)),
  list(type = "stepfun", alternative = "less", steps = c(0.005, 0.025, 0.5))
)
smooth <- list(
  list(type = "beta", alternative = "less", steps = NULL),
  list(type = "beta", alternative = "two.sided", steps = NULL),
  list(type = "halfnorm", alternative = "less", steps = NULL),
  list(type = "halfnorm", alternative = "greater", steps = NULL),
  list(type = "negexp", alternative = "two.sided", steps = NULL),
  list(type = "logistic", alternative = "less", steps = NULL),
  list(type = "power", alternative = "less", steps = NULL),
  list(type = "halfnorm", alternative = "less", steps = 0.025)
)
# One small set: every likelihood takes one integral for each effect.
for_smooth <- "bcg"

run <- function(x, o, control) {
  args <- list(x, type = o$type, alternative = o$alternative, control = control)
  if (!is.null(o$steps)) args$steps <- o$steps
  tryCatch(suppressWarnings(do.call(selmodel, args)), error = function(e) NULL)
}

one <- function(d, o) {
  x <- rma(yi, vi, data = d, method = "ML", control = list(threshold = 1e-14, maxiter = 10000, stepadj = 0.5))
  r <- run(x, o, if (o$type == "stepfun") list(reltol = 1e-12, maxit = 1000) else list())
  if (is.null(r)) r <- run(x, o, list(optimizer = "nlminb"))
  if (is.null(r)) return(NULL)
  free <- is.na(r$delta.val)
  if (r$tau2 > 1e-8 && all(r$delta[free] > 1e-6 & r$delta[free] < 99)) {
    # From its own answer, with limits as tight as doubles allow.
    start <- list(beta.init = c(r$beta), tau2.init = r$tau2, delta.init = r$delta)
    tight <- if (o$type == "stepfun") {
      list(optimizer = "nlminb", rel.tol = 1e-15, x.tol = 1e-14, eval.max = 2000, iter.max = 1000)
    } else {
      list(reltol = 1e-14, intCtrl = list(rel.tol = 1e-9, subdivisions = 500))
    }
    r2 <- run(x, o, c(start, tight))
    # The integrals of a first run are too coarse to compare likelihoods more closely than this.
    if (!is.null(r2) && c(logLik(r2)) >= c(logLik(r)) - (if (o$type == "stepfun") 1e-9 else 0.05)) r <- r2
  }
  pad <- function(v) c(v, rep(NA, 4))[1:4]
  delta <- pad(r$delta); se_delta <- pad(r$se.delta)
  data.frame(set = d$set[1], type = o$type, alternative = o$alternative, steps = paste(o$steps, collapse = ";"), k = r$k,
             estimate = c(r$beta), se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub, pval = r$pval, tau2 = r$tau2,
             se_tau2 = r$se.tau2, ll = c(logLik(r)), LRT = r$LRT, LRTdf = r$LRTdf, LRTp = r$LRTp,
             delta1 = delta[1], delta2 = delta[2], delta3 = delta[3], delta4 = delta[4],
             se_delta1 = se_delta[1], se_delta2 = se_delta[2], se_delta3 = se_delta[3], se_delta4 = se_delta[4])
}

all_of <- function(kind, sets, file) {
  rows <- NULL
  for (d in sets) for (o in kind) {
    rows <- rbind(rows, one(d, o))
    save_csv(rows, file)
  }
}
all_of(steps, each, "selection_steps.csv")
all_of(smooth, each[for_smooth], "selection_smooth.csv")
