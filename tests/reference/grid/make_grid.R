# Every data set of metadat that yields effects and variances, times every method of pooling, as R has it.
# Run in this folder: Rscript make_grid.R    (needs metafor, metadat, clubSandwich, robumeta, jsonlite)
# Writes inputs.json.gz (the effects), values.json.gz (what R makes of them) and versions.json.
# A cell where R stops with an error or a warning of non-convergence is kept with its message.

suppressMessages({library(metafor); library(metadat); library(clubSandwich); library(robumeta); library(jsonlite)})
BIG <- 120  # larger sets are left out of what refits once per effect; the grid says so

# --- the sets ----------------------------------------------------------------------------------------------
has <- function(d, ...) all(c(...) %in% names(d))
recipe <- function(name, d) {
  es <- function(...) {  # escalc looks its columns up in the data by name
    e <- eval(as.call(c(quote(escalc), as.list(substitute(list(...)))[-1], list(data = quote(d)))))
    list(yi = as.double(e$yi), vi = as.double(e$vi))
  }
  switch(name,
    dat.anand1999 = es("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i), dat.axfors2021 =
      es("OR", ai = hcq_arm_event, n1i = hcq_arm_total, ci = control_arm_event, n2i = control_arm_total),
    dat.bakdash2021 = list(yi = d$es.z, vi = d$vi.z), dat.baskerville2012 = list(yi = d$smd, vi = d$se^2),
    dat.bonett2010 = es("ARAW", ai = ai, mi = mi, ni = ni), dat.bornmann2007 =
      es("OR", ai = waward, n1i = wtotal, ci = maward, n2i = mtotal),
    dat.cannon2006 = es("RR", ai = ep1t, n1i = nt, ci = ep1c, n2i = nc),
    dat.cohen1981 = , dat.craft2003 = , dat.crede2010 = , dat.mcdaniel1994 = , dat.molloy2014 = es("ZCOR", ri = ri, ni = ni),
    dat.colditz1994 = , dat.bcg = es("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg),
    dat.collins1985a = es("OR", ai = b.xti, n1i = nti, ci = b.xci, n2i = nci),
    dat.collins1985b = es("OR", ai = pre.xti, n1i = pre.nti, ci = pre.xci, n2i = pre.nci),
    dat.curtis1998 = es("ROM", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i),
    dat.dagostino1998 = es("SMD", m1i = mt, sd1i = sdt, n1i = tnt, m2i = mc, sd2i = sdc, n2i = tnc),
    dat.damico2009 = es("OR", ai = xt, n1i = nt, ci = xc, n2i = nc), dat.debruin2009 = es("PLO", xi = xi, ni = ni),
    dat.egger2001 = , dat.graves2010 = , dat.hahn2001 = , dat.laopaiboon2015 = , dat.lau1992 = , dat.lee2004 = ,
    dat.li2007 = , dat.linde2005 = , dat.nielweise2007 = , dat.yusuf1985 = es("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i),
    dat.fine1993 = es("OR", ai = e1i, n1i = nei, ci = c1i, n2i = nci),
    dat.gibson2002 = es("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i),
    dat.hannum2020 = , dat.pritz1997 = es("PLO", xi = xi, ni = ni), dat.hart1999 =
      es("IRR", x1i = x1i, t1i = t1i, x2i = x2i, t2i = t2i),
    dat.hartmannboyce2018 = es("RR", ai = x.nrt, n1i = n.nrt, ci = x.ctrl, n2i = n.ctrl),
    dat.hasselblad1998 = , dat.pagliaro1992 = es("PLO", xi = xi, ni = ni),
    dat.hine1989 = es("RD", ai = ai, n1i = n1i, ci = ci, n2i = n2i), dat.ishak2007 = list(yi = d$y1i, vi = d$v1i),
    dat.kearon1998 = es("PLO", xi = tp, mi = np - tp), dat.linde2015 = es("OR", ai = resp1, n1i = n1, ci = resp2, n2i = n2),
    dat.linde2016 = list(yi = d$lnOR, vi = d$selnOR^2), dat.lopez2019 = list(yi = d$diff, vi = d$se^2),
    dat.nakagawa2007 = es("ZCOR", ri = Correlation, ni = SampleSize), dat.nielweise2008 =
      es("IRR", x1i = x1i, t1i = t1i, x2i = x2i, t2i = t2i),
    dat.normand1999 = es("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i),
    dat.obrien2003 = es("PLO", xi = cases, ni = total), dat.pignon2000 = list(yi = d$OmE / d$V, vi = 1 / d$V),
    dat.senn2013 = es("MN", mi = mi, sdi = sdi, ni = ni),
    dat.stowe2010 = es("MD", m1i = y1, sd1i = sd1, n1i = n1, m2i = y2, sd2i = sd2, n2i = n2),
    dat.franchini2012 = es("MD", m1i = y1, sd1i = sd1, n1i = n1, m2i = y2, sd2i = sd2, n2i = n2),
    dat.vanhowe1999 = es("OR", ai = non.pos, bi = non.neg, ci = cir.pos, di = cir.neg),
    dat.viechtbauer2021 = es("OR", ai = xTi, n1i = nTi, ci = xCi, n2i = nCi),
    dat.white2020 = es("ZCOR", ri = r, ni = n), dat.woods2010 = es("PLO", xi = r, ni = N),
    dat.baker2009 = es("PLO", xi = exac, ni = total), dat.dogliotti2014 = es("PLO", xi = stroke, ni = total),
    dat.dong2013 = es("PLO", xi = death, ni = randomized), dat.gurusamy2011 = es("PLO", xi = death, ni = n),
    dat.bourassa1996 = es("OR", ai = lh.le, bi = lh.re, ci = rh.le, di = rh.re),
    dat.frank2008 = es("OR", ai = bc.ins.ins, bi = bc.del.del, ci = ct.ins.ins, di = ct.del.del),
    dat.landenberger2005 = es("OR", ai = n.ctrl.rec, bi = n.ctrl.non, ci = n.cbt.rec, di = n.cbt.non),
    dat.aloe2013 = NULL,  # partial correlations with t only; escalc needs all columns
    if (has(d, "yi", "vi")) list(yi = d$yi, vi = d$vi) else NULL)
}
CLUSTER <- c(dat.assink2016 = "study", dat.konstantopoulos2011 = "district", dat.tannersmith2016 = "studyid",
  dat.knapp2017 = "study", dat.bornmann2007 = "study", dat.berkey1998 = "trial", dat.kalaian1996 = "study",
  dat.riley2003 = "study", dat.bakdash2021 = "SampleID", dat.crede2010 = "studyid", dat.curtis1998 = "paper",
  dat.mccurdy2020 = "article", dat.lopez2019 = "study", dat.white2020 = "study_id", dat.lehmann2018 = "Short_Title",
  dat.hartmannboyce2018 = "study", dat.cohen1981 = "sample", dat.bourassa1996 = "study", dat.knapp2017 = "study")
MODS <- list(dat.bcg = c("ablat", "year"), dat.colditz1994 = "ablat", dat.bangertdrowns2004 = c("length", "wic"),
  dat.raudenbush1985 = "weeks", dat.konstantopoulos2011 = "year", dat.yusuf1985 = NULL, dat.molloy2014 = c("quality", "meanage"),
  dat.viechtbauer2021 = "dose", dat.lee2004 = "year", dat.linde2005 = c("dosage", "baseline"), dat.egger2001 = "year",
  dat.li2007 = "year", dat.hannum2020 = NULL, dat.obrien2003 = "bmi", dat.ishak2007 = "mdur", dat.anand1999 = "year",
  dat.laopaiboon2015 = "year", dat.dorn2007 = NULL, dat.tannersmith2016 = "aget1", dat.curtis1998 = "time",
  dat.lau1992 = "year", dat.baskerville2012 = c("score", "year"), dat.debruin2009 = "scq", dat.damico2009 = "year",
  dat.kalaian1996 = "hrs", dat.lopez2019 = c("sessions", "group"), dat.landenberger2005 = "age")

inputs <- list(); skipped <- list()
for (name in data(package = "metadat")$results[, "Item"]) {
  d <- get(name, envir = asNamespace("metadat"))
  e <- if (is.data.frame(d)) tryCatch(suppressWarnings(recipe(name, d)), error = function(e) NULL) else NULL
  if (is.null(e)) { skipped[[name]] <- "no effects and variances in it, or none that escalc makes of its columns"; next }
  ok <- is.finite(e$yi) & is.finite(e$vi) & e$vi > 0
  mods <- NULL
  for (m in MODS[[name]]) if (is.numeric(d[[m]])) { ok <- ok & is.finite(d[[m]]); mods <- c(mods, m) }
  if (sum(ok) < 3) { skipped[[name]] <- "fewer than three usable effects"; next }
  if (sum(ok) > 1000) { skipped[[name]] <- "over a thousand effects: rma() takes minutes for each fit"; next }
  one <- list(yi = e$yi[ok], vi = e$vi[ok], dropped = sum(!ok))
  if (!is.na(CLUSTER[name])) one$study <- as.character(d[[CLUSTER[name]]][ok])
  if (length(mods)) one$mods <- as.matrix(data.frame(lapply(d[ok, mods, drop = FALSE], as.double)))
  inputs[[name]] <- one
}
message(length(inputs), " sets, ", length(skipped), " without effects")

# --- what R makes of them -----------------------------------------------------------------------------------
caught <- function(expr) {
  said <- NULL
  value <- tryCatch(withCallingHandlers(expr, warning = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleWarning") }),
    error = function(e) list(error = conditionMessage(e)))
  if (!is.null(said)) value$warning <- paste(unique(said), collapse = "; ")
  value
}
# A fit that does not settle is tried again with shorter steps, as metafor's own advice says.
tuned <- function(...) {
  for (threshold in c(1e-12, 1e-10, 1e-8)) for (step in c(1, 0.5, 0.1)) {
    control <- list(threshold = threshold, maxiter = 10000, stepadj = step, tol = 1e-13)
    res <- try(suppressWarnings(rma(..., control = control)), silent = TRUE)
    if (!inherits(res, "try-error")) return(res)
  }
  stop(res)
}
uni <- function(r) list(estimate = c(r$beta), se = r$se, ci_low = r$ci.lb, ci_high = r$ci.ub, stat = r$zval, pval = r$pval,
  tau2 = r$tau2, se_tau2 = r$se.tau2, I2 = r$I2, H2 = r$H2, QE = r$QE, QE_p = r$QEp)
ref <- function(name, x) {
  yi <- x$yi; vi <- x$vi; k <- length(yi); out <- list()
  for (method in c("DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "FE")) {
    for (test in c("z", "knha", if (method == "REML") c("t", "adhoc"))) out[[paste("tau2", method, test, sep = ".")]] <- caught({
      r <- tuned(yi, vi, method = method, test = test)
      p <- predict(r)
      c(uni(r), list(pi_low = p$pi.lb, pi_high = p$pi.ub)) })
  }
  out$tau2.GENQ.z <- caught(uni(rma(yi, vi, method = "GENQ", weights = 1 / vi, test = "z")))
  for (method in c("REML", "DL")) out[[paste0("tau2_ci.QP.", method)]] <- caught({
    ci <- confint(tuned(yi, vi, method = method), control = list(tol = 1e-12, maxiter = 10000))$random
    list(tau2_low = ci[1, 2], tau2_high = ci[1, 3], I2_low = ci[3, 2], I2_high = ci[3, 3]) })
  for (method in c("ML", "REML")) out[[paste0("tau2_ci.PL.", method)]] <- caught({
    ci <- confint(tuned(yi, vi, method = method), type = "PL", control = list(tol = 1e-12, maxiter = 10000))$random
    list(tau2_low = ci[1, 2], tau2_high = ci[1, 3]) })
  if (!is.null(x$mods)) for (method in c("REML", "ML", "DL", "EB")) for (test in c("z", "knha")) {
    out[[paste("mods", method, test, sep = ".")]] <- caught({
      r <- tuned(yi, vi, mods = x$mods, method = method, test = test)
      c(uni(r)[c("estimate", "se", "ci_low", "ci_high", "pval", "tau2", "QE")], list(QM = r$QM, QM_p = r$QMp, R2 = r$R2)) })
  }
  r <- try(tuned(yi, vi, method = "REML", test = "z"), silent = TRUE)
  for (model in c("lm", "rma")) for (predictor in c("sei", "vi")) out[[paste("egger", model, predictor, sep = ".")]] <- caught({
    t <- regtest(r, model = model, predictor = predictor)
    list(stat = t$zval, pval = t$pval, limit = c(t$est)) })
  out$begg <- caught({ t <- suppressWarnings(ranktest(yi, vi)); list(tau = c(t$tau), pval = t$pval) })
  for (estimator in c("L0", "R0", "Q0")) out[[paste0("trimfill.", estimator)]] <- caught({
    t <- trimfill(r, estimator = estimator)
    # trimfill() pools the filled set with its default, loose stopping rule; here as tightly as elsewhere.
    f <- tuned(as.double(t$yi), as.double(t$vi), method = "REML", test = "z")
    list(k0 = t$k0, estimate = c(f$beta), se = f$se, tau2 = f$tau2) })
  out$fsn.Rosenthal <- caught({ f <- fsn(yi, vi); list(fsnum = f$fsnum) })
  out$fsn.Orwin <- caught({ f <- fsn(yi, vi, type = "Orwin"); list(fsnum = f$fsnum) })
  out$fsn.Rosenberg <- caught({ f <- fsn(yi, vi, type = "Rosenberg"); list(fsnum = f$fsnum) })
  side <- if (sum(yi / vi) < 0) "less" else "greater"
  ml <- try(tuned(yi, vi, method = "ML", test = "z"), silent = TRUE)
  out$selection.threeparameter <- c(list(alternative = side), caught({
    s <- selmodel(ml, type = "stepfun", steps = 0.025, alternative = side, control = list(optimizer = "nlminb", rel.tol = 1e-10, iter.max = 1000, eval.max = 1000))
    list(estimate = c(s$beta), tau2 = s$tau2, delta = s$delta[2], LRT = s$LRT, LRT_p = s$LRTp, se = s$se, logLik = c(logLik(s)), start_logLik = c(logLik(ml))) }))
  if (k <= BIG) {
    out$influence.z <- caught({ i <- influence(r); f <- as.list(i$inf)
      list(rstudent = f$rstudent, dffits = f$dffits, cook = f$cook.d, cov_r = f$cov.r, tau2_del = f$tau2.del, QE_del = f$QE.del, hat = f$hat, weight = f$weight) })
    out$leave1out.knha <- caught({ l <- leave1out(tuned(yi, vi, method = "REML", test = "knha"))
      list(estimate = l$estimate, se = l$se, tau2 = l$tau2, I2 = l$I2) })
    out$cumul.z <- caught({ l <- cumul(r); list(estimate = l$estimate, se = l$se, tau2 = l$tau2) })
  }
  if (!is.null(x$study)) {
    study <- factor(x$study, levels = unique(x$study)); esid <- seq_along(yi)
    opt <- list(optimizer = "nlminb", rel.tol = 1e-10, iter.max = 1000, eval.max = 1000)
    mv <- function(V) {
      m <- rma.mv(yi, V, random = ~ 1 | study / esid, test = "t", sparse = TRUE, control = opt)
      p <- predict(m); c2 <- coef_test(m, vcov = "CR2", cluster = study)
      list(estimate = c(m$beta), se = m$se, sigma2_study = m$sigma2[1], sigma2_effect = m$sigma2[2], QE = m$QE,
        pi_low = p$pi.lb, pi_high = p$pi.ub, logLik = c(logLik(m)), cr2_se = c2$SE, cr2_df = c2$df, cr2_p = c2$p_Satt) }
    out$three_level <- caught(mv(vi))
    if (k <= 700) for (rho in c(0.3, 0.6, 0.9)) out[[paste0("che.", rho)]] <- caught(mv(impute_covariance_matrix(vi, study, rho, return_list = FALSE)))
    out$robust.CR2 <- caught({ c2 <- coef_test(r, vcov = "CR2", cluster = study); list(estimate = c2$beta, se = c2$SE, df = c2$df, pval = c2$p_Satt) })
    for (weights in c("CORR", "HIER")) out[[paste0("robu.", weights)]] <- caught({
      b <- robu(yi ~ 1, data = data.frame(yi, vi, study), studynum = study, var.eff.size = vi, modelweights = weights, rho = 0.8, small = TRUE)
      list(estimate = b$reg_table$b.r, se = b$reg_table$SE, df = b$reg_table$dfs, pval = b$reg_table$prob) })
    out$aggregate.0.6 <- caught({
      number <- as.integer(study)
      a <- aggregate(escalc(measure = "GEN", yi = yi, vi = vi, data = data.frame(yi, vi, number)), cluster = number, struct = "CS", rho = 0.6)
      a <- a[order(a$number), ]
      list(yi = as.double(a$yi), vi = as.double(a$vi)) })
  }
  out
}

if (nzchar(Sys.getenv("ONLY"))) inputs <- inputs[strsplit(Sys.getenv("ONLY"), ",")[[1]]]
values <- list()
for (name in names(inputs)) {
  began <- Sys.time()
  values[[name]] <- ref(name, inputs[[name]])
  message(sprintf("%s k=%d %.1fs", name, length(inputs[[name]]$yi), as.numeric(Sys.time() - began, units = "secs")))
}
write_gz <- function(x, file) { con <- gzfile(file, "wb"); writeLines(toJSON(x, digits = NA, auto_unbox = TRUE, na = "null", null = "null"), con); close(con) }
arrays <- lapply(inputs, function(x) lapply(x, function(v) if (length(v) > 1 || is.matrix(v)) v else unbox(v)))
write_gz(list(sets = arrays, skipped = skipped), "inputs.json.gz")
write_gz(values, "values.json.gz")
writeLines(toJSON(list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
  metadat = as.character(packageVersion("metadat")), clubSandwich = as.character(packageVersion("clubSandwich")),
  robumeta = as.character(packageVersion("robumeta"))), auto_unbox = TRUE, pretty = TRUE), "versions.json")
