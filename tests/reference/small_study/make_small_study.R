# Reference values for small-study effects, selection models, fail-safe N and shares. Run in this folder:
#   Rscript make_small_study.R
# Reads nothing; writes the CSV files beside it. Numbers have 17 significant digits.
#
# From metafor: regtest, ranktest, trimfill, selmodel, fsn. Limit meta-analysis and PET-PEESE have no function
# there: they are ordinary least squares by lm() on the (generalised) radial plot, which is how the papers
# define them. Shares beyond a threshold are the normal-theory formulas, in R's pnorm and dnorm.

suppressMessages({library(metafor); library(metadat)})
options(warn = 1)

# metafor's default stops at a step of 1e-5 in tau2; these settings make its answer good for comparison.
control <- list(threshold = 1e-14, maxiter = 10000)

save_csv <- function(frame, file) {
  for (column in names(frame)) {
    if (is.double(frame[[column]])) frame[[column]] <- trimws(formatC(frame[[column]], digits = 17, format = "g"))
  }
  frame[frame == "NA" | frame == "NaN"] <- NA
  write.csv(frame, file, row.names = FALSE, quote = FALSE, na = "")
}

one <- function(set, dat, n1, n2) {
  keep <- !is.na(dat$yi) & !is.na(dat$vi) & dat$vi > 0
  data.frame(set, i = seq_len(sum(keep)), yi = as.double(dat$yi[keep]), vi = as.double(dat$vi[keep]),
             n1 = as.double(n1[keep]), n2 = as.double(n2[keep]))
}

made_up <- function(set, k, mu, tau, selected) {
  # Standardised differences of which those with p above .025 (one-sided, lower is better) are often lost.
  out <- NULL
  while (is.null(out) || nrow(out) < k) {
    n <- 2 * sample(8:90, 1)
    vi <- 4 / n
    yi <- rnorm(1, mu, sqrt(tau^2 + vi))
    if (pnorm(yi / sqrt(vi)) > 0.025 && runif(1) < selected) next
    out <- rbind(out, data.frame(yi = yi, vi = vi + yi^2 / (2 * n), n1 = n / 2, n2 = n / 2))
  }
  one(set, out, out$n1, out$n2)
}

bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
normand <- escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.normand1999)
curtis <- escalc("ROM", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.curtis1998)
li <- escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007)
niel <- escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.nielweise2007)
hine <- escalc("RD", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.hine1989)
linde <- escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.linde2005)
molloy <- escalc("ZCOR", ri = ri, ni = ni, data = dat.molloy2014)
raud <- dat.raudenbush1985
bang <- dat.bangertdrowns2004
hack <- dat.hackshaw1998
lehm <- dat.lehmann2018

set.seed(20)
sets <- rbind(
  one("bcg", bcg, bcg$tpos + bcg$tneg, bcg$cpos + bcg$cneg),
  one("normand1999", normand, normand$n1i, normand$n2i),
  one("curtis1998", curtis, curtis$n1i, curtis$n2i),
  one("li2007", li, li$n1i, li$n2i),
  one("nielweise2007", niel, niel$n1i, niel$n2i),
  one("hine1989", hine, hine$n1i, hine$n2i),
  one("linde2005", linde, linde$n1i, linde$n2i),
  one("molloy2014", molloy, molloy$ni / 2, molloy$ni / 2),
  one("raudenbush1985", raud, raud$n1i, raud$n2i),
  one("bangertdrowns2004", bang, bang$ni / 2, bang$ni / 2),
  one("hackshaw1998", hack, hack$cases / 2, hack$cases / 2),
  one("lehmann2018", lehm, lehm$Red_N, lehm$Control_N),
  made_up("selected_30", 30, -0.3, 0.2, 0.7),
  made_up("selected_60", 60, -0.2, 0.3, 0.8),
  made_up("unselected_40", 40, -0.4, 0.25, 0),
  made_up("small_5", 5, -0.4, 0.3, 0.4),
  made_up("small_3", 3, -0.4, 0.3, 0),
  # Variances that tie, and effects without spread beyond chance (tau2 = 0).
  one("tied_8", data.frame(yi = c(-0.5, -0.3, -0.42, -0.35, -0.45, -0.38, -0.3, -0.5),
                           vi = c(0.04, 0.04, 0.08, 0.08, 0.12, 0.12, 0.2, 0.2)),
      c(50, 50, 25, 25, 17, 17, 10, 10), c(50, 50, 25, 25, 17, 17, 10, 10))
)
save_csv(sets, "sets.csv")
each <- split(sets, factor(sets$set, levels = unique(sets$set)))

attempt <- function(expression) tryCatch(expression, error = function(e) NULL)
stack <- function(f) do.call(rbind, lapply(each, f))

fit <- function(d, method = "REML", test = "knha") {
  for (stepadj in c(1, 0.5, 0.25)) {
    res <- attempt(rma(yi, vi, data = d, method = method, test = test, control = c(control, stepadj = stepadj)))
    if (!is.null(res)) return(res)
  }
  stop(d$set[1])
}

# --- tests for funnel asymmetry --------------------------------------------------------------------------
regtests <- stack(function(d) {
  d$ni <- d$n1 + d$n2
  options <- rbind(expand.grid(model = "lm", method = "", test = "", predictor = c("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")),
                   expand.grid(model = "rma", method = c("REML", "DL", "ML"), test = c("z", "knha"),
                               predictor = c("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")))
  do.call(rbind, lapply(seq_len(nrow(options)), function(i) {
    o <- lapply(options[i, ], as.character)
    x <- fit(d, if (o$method == "") "REML" else o$method, if (o$test == "") "z" else o$test)
    r <- suppressWarnings(attempt(regtest(x, ni = d$ni, model = o$model, predictor = o$predictor, ret.fit = TRUE)))
    if (is.null(r)) return(NULL)
    co <- if (o$model == "lm") coef(summary(r$fit))[2, 1:2] else c(r$fit$beta[2], r$fit$se[2])
    na <- function(x) if (is.null(x)) NA_real_ else unname(c(x))
    data.frame(set = d$set[1], o, stat = unname(r$zval), pval = unname(r$pval), df = if (is.na(na(r$ddf)[1])) NA_real_ else r$ddf,
               slope = co[[1]], slope_se = co[[2]], tau2 = if (o$model == "lm") NA_real_ else r$fit$tau2,
               limit = na(r$est), limit_low = na(r$ci.lb), limit_high = na(r$ci.ub))
  }))
})
save_csv(regtests, "regtest.csv")

# Pustejovsky and Rodgers: predictor sqrt(1/n1 + 1/n2); weights 1/vi, or 1/(1/n1 + 1/n2) throughout.
smd <- stack(function(d) {
  w <- 1 / d$n1 + 1 / d$n2
  do.call(rbind, lapply(c("vi", "sqrtw"), function(weights) {
    m <- suppressWarnings(summary(lm(yi ~ sqrt(w), data = d, weights = 1 / (if (weights == "vi") d$vi else w))))
    co <- coef(m)
    data.frame(set = d$set[1], weights, slope = co[2, 1], slope_se = co[2, 2], stat = co[2, 3], pval = co[2, 4],
               limit = co[1, 1], limit_se = co[1, 2])
  }))
})
save_csv(smd, "smd.csv")

ranks <- stack(function(d) {
  r <- suppressWarnings(ranktest(fit(d)))
  data.frame(set = d$set[1], tau = unname(r$tau), pval = r$pval)
})
save_csv(ranks, "ranktest.csv")

# --- trim and fill ---------------------------------------------------------------------------------------
options_tf <- rbind(
  expand.grid(estimator = c("L0", "R0", "Q0"), side = c("auto", "left", "right"), method = "REML", test = "knha", ilim = FALSE),
  expand.grid(estimator = c("L0", "R0"), side = c("auto", "left", "right"), method = c("EE", "DL"), test = "z", ilim = FALSE),
  expand.grid(estimator = "L0", side = c("left", "right"), method = "REML", test = "knha", ilim = TRUE)
)
filled <- NULL
trims <- stack(function(d) {
  do.call(rbind, lapply(seq_len(nrow(options_tf)), function(i) {
    o <- options_tf[i, ]
    o[1:4] <- lapply(o[1:4], as.character)
    x <- fit(d, o$method, o$test)
    args <- list(x, estimator = o$estimator, control = control)
    if (o$side != "auto") args$side <- o$side
    if (o$ilim) args$ilim <- range(d$yi)
    r <- attempt(suppressWarnings(do.call(trimfill, args)))
    if (is.null(r)) {
      # Where the iterations are too few or full steps oscillate, smaller ones.
      args$control <- c(control, stepadj = 0.5)
      r <- attempt(suppressWarnings(do.call(trimfill, args)))
    }
    if (is.null(r)) return(data.frame(set = d$set[1], o, failed = TRUE, found_side = NA, k0 = NA, se_k0 = NA, p_k0 = NA,
                                      estimate = NA, se = NA, ci_low = NA, ci_high = NA, pval = NA, tau2 = NA))
    if (r$k0 > 0) {
      # trimfill() does not pass the test on to the model with the filled effects; it is fitted again here.
      y <- c(r$yi); v <- c(r$vi)
      r2 <- fit(data.frame(yi = y, vi = v, set = d$set[1]), o$method, o$test)
      filled <<- rbind(filled, data.frame(set = d$set[1], o, yi = y[r$fill], vi = v[r$fill]))
    } else r2 <- x
    data.frame(set = d$set[1], o, failed = FALSE, found_side = r$side, k0 = r$k0, se_k0 = r$se.k0, p_k0 = r$p.k0, estimate = c(r2$beta), se = r2$se,
               ci_low = r2$ci.lb, ci_high = r2$ci.ub, pval = r2$pval, tau2 = r2$tau2)
  }))
})
save_csv(trims, "trimfill.csv")
save_csv(filled, "filled.csv")

# --- PET, PEESE ------------------------------------------------------------------------------------------
pets <- stack(function(d) {
  rows <- list()
  for (kind in c("PET", "PEESE")) {
    d$x <- if (kind == "PET") sqrt(d$vi) else d$vi
    m <- lm(yi ~ x, data = d, weights = 1 / vi)
    co <- coef(summary(m))
    ci <- confint(m)[1, ]
    rows[[kind]] <- data.frame(set = d$set[1], kind, estimate = co[1, 1], se = co[1, 2], stat = co[1, 3], pval = co[1, 4],
                               p_less = pt(co[1, 3], m$df.residual), ci_low = ci[[1]], ci_high = ci[[2]],
                               slope = co[2, 1], slope_se = co[2, 2], slope_p = co[2, 4])
  }
  do.call(rbind, rows)
})
save_csv(pets, "pet_peese.csv")

# --- limit meta-analysis, Ruecker and others 2011 ----------------------------------------------------------
limits <- stack(function(d) {
  x <- fit(d)
  total <- sqrt(d$vi + x$tau2)
  generalised <- lm(I(yi / total) ~ I(1 / total), data = d)
  radial <- coef(generalised)
  alpha <- radial[[1]]; beta <- radial[[2]]
  shrunk <- beta + sqrt(x$tau2) / total * (d$yi - beta)
  m <- suppressWarnings(summary(lm(I(shrunk / sqrt(d$vi)) ~ I(1 / sqrt(d$vi)))))
  mu <- rma(shrunk, d$vi, method = "EE")
  q <- fit(d, "EE", "z")$QE
  se_r <- sqrt(d$vi)
  resid <- lm(I(yi / se_r) ~ I(1 / se_r), data = d)
  q_resid <- sum(residuals(resid)^2)
  data.frame(set = d$set[1], tau2 = x$tau2, alpha, beta, estimate = beta + sqrt(x$tau2) * alpha,
             # Unscaled: the model's residual variance is one, so that (X'X)^-1 is the covariance.
             se = c(sqrt(c(sqrt(x$tau2), 1) %*% summary(generalised)$cov.unscaled %*% c(sqrt(x$tau2), 1))),
             betalim = coef(m)[2, 1], betalim_se = sqrt(m$cov.unscaled[2, 2]), mulim = c(mu$beta), mulim_se = mu$se,
             G2 = 100 * (1 - m$r.squared), Q = q, Q_resid = q_resid)
})
save_csv(limits, "limit.csv")

# --- fail-safe N -----------------------------------------------------------------------------------------
safes <- stack(function(d) {
  row <- function(type, r, weighted = FALSE, alpha = 0.05, target = NA) data.frame(set = d$set[1], type, weighted, alpha,
    asked = target, fsnum = r$fsnum, pval = r$pval, meanes = r$meanes, target = if (is.null(r$target)) NA else r$target)
  rbind(row("Rosenthal", fsn(yi, vi, data = d)), row("Rosenthal", fsn(yi, vi, data = d, alpha = 0.01), alpha = 0.01),
        row("Orwin", fsn(yi, vi, data = d, type = "Orwin")), row("Orwin", fsn(yi, vi, data = d, type = "Orwin", weighted = TRUE), weighted = TRUE),
        row("Orwin", fsn(yi, vi, data = d, type = "Orwin", target = 0.1), target = 0.1),
        row("Rosenberg", fsn(yi, vi, data = d, type = "Rosenberg")),
        row("Rosenberg", fsn(yi, vi, data = d, type = "Rosenberg", alpha = 0.01), alpha = 0.01))
})
save_csv(safes, "fsn.csv")

# --- share of true effects beyond a threshold --------------------------------------------------------------
shares <- stack(function(d) {
  x <- fit(d, "REML", "z")
  tau <- sqrt(x$tau2)
  do.call(rbind, lapply(c(-0.5, -0.24, 0, 0.2), function(q) {
    z <- (q - c(x$beta)) / tau
    below <- pnorm(z)
    se <- sqrt(x$se^2 / x$tau2 + x$se.tau2^2 * (q - c(x$beta))^2 / (4 * x$tau2^3)) * dnorm(z)
    shrunk <- c(x$beta) + sqrt(x$tau2 / (x$tau2 + d$vi)) * (d$yi - c(x$beta))
    data.frame(set = d$set[1], threshold = q, estimate = c(x$beta), se_estimate = x$se, tau2 = x$tau2, se_tau2 = x$se.tau2,
               below, se, calibrated_below = mean(shrunk < q))
  }))
})
save_csv(shares, "shares.csv")

save_csv(data.frame(what = c("R", "metafor", "metadat"), version = c(as.character(getRversion()),
  as.character(packageVersion("metafor")), as.character(packageVersion("metadat")))), "versions.csv")
