# What metafor says of the influence of single effects, of subsets and of the order: influence.json.
#
#     Rscript make_influence.R        (in this folder; needs metafor, metadat, jsonlite)
#
# Iterations are converged more tightly than by default, so that differences are those of the formulas.
# Where metafor's own iterations fail for a part, its value is null here.

suppressMessages({
  library(metafor)
  library(jsonlite)
})

tight <- list(threshold = 1e-12, maxiter = 20000)
steps <- c(1, 0.5, 0.25)

fitted <- function(d, method, test) {
  for (step in steps) {
    control <- switch(method, PM = list(tol = 1e-13, maxiter = 20000),
                      REML = , ML = , EB = c(tight, stepadj = step), list())
    one <- try(rma(yi, vi, data = d, method = method, test = test, control = control), silent = TRUE)
    if (!inherits(one, "try-error")) return(one)
  }
  stop("no step length settles: ", method)
}

plain <- function(d) data.frame(yi = as.numeric(d$yi), vi = as.numeric(d$vi))
usable <- function(d) {
  d <- plain(d)
  d[is.finite(d$yi) & is.finite(d$vi) & d$vi > 0, ]
}

sets <- list(
  bcg = escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg),
  raudenbush1985 = dat.raudenbush1985,
  bangertdrowns2004 = dat.bangertdrowns2004,
  hine1989 = escalc("RD", n1i = n1i, n2i = n2i, ai = ai, ci = ci, data = dat.hine1989),
  li2007 = escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007),
  molloy2014 = escalc("ZCOR", ri = ri, ni = ni, data = dat.molloy2014),
  linde2005 = escalc("RR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.linde2005),
  pignon2000 = data.frame(yi = dat.pignon2000$OmE / dat.pignon2000$V, vi = 1 / dat.pignon2000$V),
  normand1999 = escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i,
                       data = dat.normand1999),
  hart1999 = escalc("IRR", x1i = x1i, x2i = x2i, t1i = t1i, t2i = t2i, data = dat.hart1999),
  cohen1981 = escalc("ZCOR", ri = ri, ni = ni, data = dat.cohen1981[c(1, 4, 5)]),
  nielweise2007 = escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.nielweise2007),
  equal_effects = data.frame(yi = rep(0.3, 6), vi = c(0.02, 0.05, 0.01, 0.04, 0.03, 0.06))
)
sets <- lapply(sets, usable)

overall <- function(d, method, test) {
  one <- fitted(d, method, test)
  list(method = method, test = test, estimate = c(one$beta), se = one$se, ci_low = one$ci.lb,
       ci_high = one$ci.ub, pval = one$pval, tau2 = one$tau2, I2 = one$I2, H2 = one$H2, QE = one$QE, QE_p = one$QEp)
}

parts <- function(found) {
  names(found) <- c(Q = "QE", Qp = "QE_p", pvals = "pval", ci.lb = "ci_low", ci.ub = "ci_high",
                    estimate = "estimate", se = "se", tau2 = "tau2", I2 = "I2", H2 = "H2",
                    zval = "stat", tval = "stat")[names(found)]
  found[!is.na(names(found))]
}

measures <- function(d, method, test, order) {
  one <- fitted(d, method, test)
  pdf(NULL)
  b <- try(baujat(one), silent = TRUE)  # without a finite variance there is nothing to draw
  if (inherits(b, "try-error")) b <- list(x = NULL, y = NULL)
  invisible(dev.off())
  found <- influence(one)
  cumulated <- cumul(one, order = order)
  list(method = method, test = test,
       influence = c(found$inf[c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")],
                     list(dfbs = found$dfbs$intrcpt, inf = found$is.infl)),
       rstandard = unclass(rstandard(one))[c("resid", "se", "z")],
       rstudent = unclass(rstudent(one))[c("resid", "se", "z")],
       baujat = list(x = b$x, y = b$y),
       leave1out = parts(unclass(leave1out(one))),
       cumul = parts(unclass(cumulated)))
}

# Where all effects are equal, Hartung and Knapp's variance is zero and metafor's influence() stops.
tried <- data.frame(method = c("REML", "DL", "ML", "PM", "SJ", "FE"),
                    test = c("knha", "z", "t", "adhoc", "knha", "z"))

set.seed(20260101)
of_set <- function(d) {
  order <- sample(nrow(d))
  each <- if (sd(d$yi) > 0) tried else tried[tried$test != "knha", ]
  list(yi = d$yi, vi = d$vi, order = order,
       overall = unname(Map(function(method, test) overall(d, method, test),
                            c("REML", "ML", "DL", "HE", "HS", "HSk", "SJ", "PM", "EB", "FE"),
                            c("knha", "z", "t", "adhoc", "z", "knha", "t", "knha", "z", "z"))),
       measures = unname(Map(function(method, test) measures(d, method, test, order), each$method, each$test)))
}

goshed <- function(d, method, test) {
  found <- gosh(fitted(d, method, test), progbar = FALSE)
  list(method = method, test = test, yi = d$yi, vi = d$vi,
       members = unname(as.matrix(found$incl)) * 1L,
       estimate = found$res$estimate, I2 = found$res$I2, QE = found$res$QE, tau2 = found$res$tau2)
}

small <- sets$bcg[1:8, ]
result <- list(
  versions = list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
                  metadat = as.character(packageVersion("metadat"))),
  sets = lapply(sets, of_set),
  gosh = list(goshed(small, "DL", "z"), goshed(small, "REML", "knha"))
)
writeLines(toJSON(result, digits = NA, auto_unbox = TRUE, na = "null", null = "null"), "influence.json")
