# Reference values for dependent effects: metafor, clubSandwich and robumeta.
# Run from this directory: Rscript make_dependence.R
# Writes data.csv (the effects), expected.csv (set, model, quantity, index, value) and versions.csv.
suppressMessages({library(metafor); library(clubSandwich); library(robumeta)})
options(digits = 17, warn = 1)

made_up <- function(seed, m, sizes, tau, omega, slope = 0.3) {
  set.seed(seed)
  n <- sample(sizes, m, replace = TRUE)
  study <- rep(seq_len(m), n)
  k <- length(study)
  x <- round(rnorm(k), 3)
  z <- round(rnorm(m), 3)[study]
  vi <- round(runif(k, 0.01, 0.3), 4)
  yi <- 0.2 + slope * x + rnorm(m, 0, tau)[study] + rnorm(k, 0, omega) + rnorm(k, 0, sqrt(vi))
  data.frame(study = study, yi = round(yi, 4), vi = vi, x = x, z = z)
}
plain <- function(data, study, x, z) {
  found <- data.frame(study = as.character(data[[study]]), yi = as.numeric(data$yi),
                      vi = as.numeric(data$vi), x = as.numeric(x), z = as.numeric(z))
  found[complete.cases(found), ]
}
sets <- list(
  konstantopoulos = with(dat.konstantopoulos2011, plain(dat.konstantopoulos2011, "district", school, year)),
  assink = with(dat.assink2016, plain(dat.assink2016, "study", year, pubstatus)),
  tannersmith = with(dat.tannersmith2016, plain(dat.tannersmith2016, "studyid", aget1, propmale)),
  knapp = with(dat.knapp2017, plain(dat.knapp2017, "study", difficulty, difficulty^2)),
  berkey = with(dat.berkey1998, plain(dat.berkey1998, "trial", as.numeric(outcome == "AL"), year)),
  random_a = made_up(1, 12, 1:5, 0.4, 0.2),
  random_b = made_up(2, 25, 1:3, 0.1, 0.5),
  random_c = made_up(3, 6, 2:6, 0.5, 0),
  random_d = made_up(4, 40, c(1, 1, 1, 2, 8), 0, 0.3),
  random_e = made_up(5, 8, 1:4, 0, 0)
)
shuffled <- function(data, seed) { set.seed(seed); data[sample(nrow(data)), ] }
sets$random_b <- shuffled(sets$random_b, 7)

rows <- list()
keep <- function(set, model, quantity, value) {
  value <- as.numeric(value)
  rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = quantity,
                                          index = seq_along(value) - 1, value = value)
}
table_of <- function(set, model, beta, se, df, pval) {
  keep(set, model, "estimate", beta); keep(set, model, "se", se)
  keep(set, model, "df", df); keep(set, model, "pval", pval)
}

multilevel <- function(set, model, f) {
  table_of(set, model, f$beta, f$se, if (is.null(f$ddf) || f$test == "z") rep(NA, f$p) else f$ddf, f$pval)
  keep(set, model, "ci_low", f$ci.lb); keep(set, model, "ci_high", f$ci.ub)
  keep(set, model, "sigma2", f$sigma2)
  keep(set, model, "QE", f$QE); keep(set, model, "QE_p", f$QEp)
  keep(set, model, "fit", fitstats(f$found)[c(1, 3, 4, 5)])
  if (f$p > 1) keep(set, model, "QM", c(f$QM, f$QMdf, f$QMp))
  W <- solve(f$V); X <- model.matrix(f)
  P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
  keep(set, model, "I2", 100 * f$sigma2 / (sum(f$sigma2) + (f$k - f$p) / sum(diag(P))))
  if (f$int.only) {
    p <- predict(f); keep(set, model, "pi", c(p$pi.lb, p$pi.ub))
    if (f$method == "REML" && f$test == "z") keep(set, model, "weights", weights(f, type = "rowsum"))
  }
}
robust_of <- function(set, model, f, cluster, wald = TRUE, types = c("CR0", "CR1", "CR1p", "CR2", "CR3")) {
  for (type in types) {
    r <- as.data.frame(coef_test(f, vcov = type, cluster = cluster, test = "Satterthwaite"))
    table_of(set, paste0(model, "/", type), r$beta, r$SE, r$df_Satt, r$p_Satt)
  }
  ci <- conf_int(f, vcov = "CR2", cluster = cluster)
  keep(set, paste0(model, "/CR2"), "ci_low", ci$CI_L); keep(set, paste0(model, "/CR2"), "ci_high", ci$CI_U)
  if (length(coef(f)) > 1) {
    for (test in c("HTZ", "Naive-F")) {
      w <- Wald_test(f, constrain_zero(2:length(coef(f))), vcov = "CR2", cluster = cluster, test = test)
      keep(set, paste0(model, "/CR2"), paste0("wald_", test), c(w$Fstat, w$df_num, w$df_denom, w$p_val))
    }
  }
}
# nlminb stops where the likelihood is flat to double precision, so its variances have six or seven digits.
# Newton's steps on the derivatives (dense matrices, no other code shared) bring them to full precision; a
# variance that only nlminb's logarithm keeps from zero becomes zero.
polished <- function(f) {
  X <- model.matrix(f); y <- as.numeric(f$yi); s <- f$sigma2
  Z <- lapply(seq_along(s), function(i) tcrossprod(f$Z.S[[i]]))
  for (step in 1:50) {
    M <- as.matrix(f$V)
    for (i in seq_along(s)) M <- M + s[i] * as.matrix(Z[[i]])
    W <- solve(M)
    P <- W - W %*% X %*% solve(t(X) %*% W %*% X, t(X) %*% W)
    Q <- if (f$method == "REML") P else W
    Py <- P %*% y
    score <- sapply(Z, function(z) (sum(Py * as.numeric(z %*% Py)) - sum(diag(Q %*% as.matrix(z)))) / 2)
    H <- outer(seq_along(s), seq_along(s), Vectorize(function(i, j) {
      a <- as.matrix(Z[[i]]); b <- as.matrix(Z[[j]])
      sum(as.numeric(a %*% Py) * as.numeric(P %*% (b %*% Py))) - sum((Q %*% a) * t(Q %*% b)) / 2
    }))
    s[s < 1e-6 & score < 0] <- 0
    moving <- s > 0 | score > 0
    if (!any(moving)) break
    change <- solve(H[moving, moving, drop = FALSE], score[moving])
    s[moving] <- pmax(s[moving] + change, 0)
    if (all(abs(change) < 1e-14)) break
  }
  stopifnot(max(abs(s - f$sigma2)) < 1e-4)
  s
}
# rma.mv at the tightest tolerance at which nlminb does not report a false convergence, then polished.
try_mv <- function(...) {
  call <- match.call()
  call[[1]] <- quote(rma.mv)
  for (tol in c(1e-13, 1e-12, 1e-11, 1e-10)) {
    call$control <- list(rel.tol = tol, iter.max = 2000, eval.max = 4000)
    f <- try(suppressWarnings(eval(call, parent.frame())), silent = TRUE)
    if (!inherits(f, "try-error")) {
      call$control <- NULL
      call$sigma2 <- polished(f)
      fixed <- suppressWarnings(eval(call, parent.frame()))
      fixed$found <- f
      return(fixed)
    }
  }
  stop(f)
}

for (set in names(sets)) {
  d <- sets[[set]]; d$effect <- seq_len(nrow(d))
  V6 <- impute_covariance_matrix(d$vi, d$study, r = 0.6)
  if (is.list(V6)) {
    dense <- matrix(0, nrow(d), nrow(d))
    groups <- split(seq_len(nrow(d)), factor(d$study, levels = names(V6)))
    for (g in names(V6)) dense[groups[[g]], groups[[g]]] <- V6[[g]]
    V6 <- dense
  }
  for (method in c("REML", "ML")) {
    multilevel(set, paste0("three/", method, "/z"), try_mv(yi, vi, random = ~ 1 | study/effect, data = d, method = method))
    multilevel(set, paste0("study/", method, "/z"), try_mv(yi, vi, random = ~ 1 | study, data = d, method = method))
    multilevel(set, paste0("che/", method, "/z"), try_mv(yi, V6, random = ~ 1 | study/effect, data = d, method = method))
    multilevel(set, paste0("che_mods/", method, "/contain"),
      try_mv(yi, V6, mods = ~ x + z, random = ~ 1 | study/effect, data = d, method = method, test = "t", dfs = "contain"))
  }
  multilevel(set, "three/REML/contain", try_mv(yi, vi, random = ~ 1 | study/effect, data = d, test = "t", dfs = "contain"))
  multilevel(set, "three/REML/residual", try_mv(yi, vi, random = ~ 1 | study/effect, data = d, test = "t", dfs = "residual"))
  che <- try_mv(yi, V6, random = ~ 1 | study/effect, data = d)
  robust_of(set, "che", che, d$study)
  # Clusters of whole studies: pairs of neighbours in the order of their first effect.
  lab <- (match(d$study, unique(d$study)) + 1) %/% 2
  robust_of(set, "che_labs", che, lab, types = "CR2")
  p <- predict(robust(che, cluster = d$study, clubSandwich = TRUE))
  keep(set, "che/CR2", "pi", c(p$pi.lb, p$pi.ub))
  robust_of(set, "che_mods", try_mv(yi, V6, mods = ~ x + z, random = ~ 1 | study/effect, data = d), d$study, types = "CR2")
  uni <- rma(yi, vi, data = d, control = list(threshold = 1e-12, maxiter = 1000))
  keep(set, "uni", "tau2", uni$tau2)
  robust_of(set, "uni", uni, d$study, types = "CR2")
  uni <- rma(yi, vi, mods = ~ x + z, data = d, control = list(threshold = 1e-12, maxiter = 1000))
  keep(set, "uni_mods", "tau2", uni$tau2)
  robust_of(set, "uni_mods", uni, d$study, types = "CR2")
  for (kind in c("CORR", "HIER")) for (small in c(TRUE, FALSE)) for (mods in c(FALSE, TRUE)) {
    model <- paste0(kind, if (mods) "_mods", if (small) "/small" else "/large")
    r <- robu(if (mods) yi ~ x + z else yi ~ 1, data = d, studynum = study, var.eff.size = vi,
              modelweights = kind, small = small, rho = 0.8)
    table_of(set, model, r$reg_table$b.r, r$reg_table$SE, r$reg_table$dfs, r$reg_table$prob)
    keep(set, model, "sigma2", c(r$mod_info$tau.sq, if (kind == "HIER") r$mod_info$omega.sq else 0))
    if (kind == "CORR") keep(set, model, "I2", r$mod_info$I.2)
    if (small && mods) {
      w <- Wald_test(r, constrain_zero(2:3), vcov = "CR2", test = "HTZ")
      keep(set, model, "wald_HTZ", c(w$Fstat, w$df_num, w$df_denom, w$p_val))
    }
  }
  for (rho in c(0.3, 0.9)) for (weighted in c(TRUE, FALSE)) {
    es <- escalc(measure = "GEN", yi = yi, vi = vi, data = d)
    a <- aggregate(es, cluster = study, rho = rho, struct = "CS", weighted = weighted)
    a <- a[match(unique(d$study), a$study), ]
    model <- paste0("composite/", rho, if (weighted) "/weighted" else "/plain")
    keep(set, model, "yi", a$yi); keep(set, model, "vi", a$vi)
  }
}
for (set in c("konstantopoulos", "assink", "random_a", "random_b")) {
  d <- sets[[set]]; d$effect <- seq_len(nrow(d))
  f <- rma.mv(yi, vi, random = ~ 1 | study/effect, data = d)
  for (i in 1:2) {
    ci <- confint(f, sigma2 = i, control = list(tol = 1e-10))
    keep(set, "three/REML/z", paste0("profile", i), ci$random[1, 2:3])
  }
  f <- rma.mv(yi, vi, random = ~ 1 | study/effect, data = d, cvvc = TRUE)
  keep(set, "three/REML/z", "se_sigma2", sqrt(diag(f$vvc)))
}

# Berkey et al. (1998) with the covariances that they print, one block for each trial.
V <- vcalc(vi = 1, cluster = author, rvars = c(v1i, v2i), data = dat.berkey1998)
multilevel("berkey", "known/REML/z", try_mv(yi, V, random = ~ 1 | trial/outcome, data = dat.berkey1998))
keep("berkey", "known", "V", V)

# Covariances by vcalc: constant, fading with time, both.
d <- sets$random_a; d$time <- ave(d$study, d$study, FUN = seq_along); d$kind <- rep_len(1:2, nrow(d))
keep("random_a", "vcalc/rho", "V", vcalc(vi, cluster = study, obs = time, rho = 0.5, data = d))
keep("random_a", "vcalc/phi", "V", vcalc(vi, cluster = study, time1 = time, phi = 0.7, data = d))
keep("random_a", "vcalc/both", "V", vcalc(vi, cluster = study, obs = kind, time1 = time, rho = 0.5, phi = 0.7, data = d))
keep("random_a", "impute/subgroup", "V", {
  V <- impute_covariance_matrix(d$vi, d$study, r = 0.5, subgroup = d$kind, return_list = FALSE); V })
keep("random_a", "impute/smooth", "V", impute_covariance_matrix(d$vi, d$study, r = 0.5, smooth_vi = TRUE, return_list = FALSE))

# Three trials, two arms against one control, one with two outcomes; standard deviations of 1.
arms <- data.frame(study = c(1, 1, 1, 1, 2, 2, 3), arm = c("A", "B", "A", "B", "A", "B", "A"), control = "C",
                   outcome = c(1, 1, 2, 2, 1, 1, 1), n1 = c(20, 30, 20, 30, 15, 25, 40),
                   nc = c(25, 25, 25, 25, 18, 18, 12))
arms$vi <- 1 / arms$n1 + 1 / arms$nc
keep("arms", "vcalc/arms", "V", vcalc(vi, cluster = study, obs = outcome, grp1 = arm, grp2 = control, w1 = n1,
                                      w2 = nc, rho = 0.6, data = arms))

write.csv(do.call(rbind, lapply(names(sets), function(s) cbind(set = s, sets[[s]]))), "data.csv", row.names = FALSE)
out <- do.call(rbind, rows)
out <- unique(out)
out$value <- sprintf("%.12g", out$value)
write.csv(out, "expected.csv", row.names = FALSE, quote = FALSE)
packages <- c("metafor", "metadat", "clubSandwich", "robumeta")
write.csv(data.frame(package = c("R", packages),
  version = c(paste(R.version$major, R.version$minor, sep = "."), sapply(packages, function(p) as.character(packageVersion(p))))),
  "versions.csv", row.names = FALSE, quote = FALSE)
