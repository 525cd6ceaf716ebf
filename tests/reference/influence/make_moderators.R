# What metafor's influence() says of meta-regressions: moderators.json. Run in this folder, as make_influence.R.

suppressMessages({
  library(metafor)
  library(jsonlite)
})

bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bang <- dat.bangertdrowns2004
bang <- bang[!is.na(bang$length) & !is.na(bang$wic), ]

one <- function(d, mods, method, test) {
  mods <- as.matrix(d[mods])
  control <- if (method == "REML") list(threshold = 1e-12, maxiter = 20000) else list()
  found <- influence(rma(d$yi, d$vi, mods = mods, method = method, test = test, control = control))
  list(method = method, test = test, yi = as.numeric(d$yi), vi = as.numeric(d$vi), mods = unname(mods),
       influence = c(found$inf[c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")],
                     list(inf = found$is.infl)),
       rstandard = rstandard(rma(d$yi, d$vi, mods = mods, method = method, test = test, control = control))$z,
       dfbs = unname(do.call(cbind, unclass(found$dfbs)[seq_len(ncol(mods) + 1)])))
}

result <- list(one(bcg, c("ablat", "year"), "REML", "knha"),
               one(bcg, "ablat", "DL", "z"),
               one(bang, c("length", "wic"), "REML", "knha"),
               one(bang, c("length", "wic"), "FE", "z"))
writeLines(toJSON(result, digits = NA, auto_unbox = TRUE, na = "null"), "moderators.json")
