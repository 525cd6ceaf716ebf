# Reference values for several effects of one trial, by metafor and clubSandwich. Run in this folder:
#   Rscript make_several_effects.R
# Reads ../dependence/data.csv; writes effects.csv, expected.csv, composites.csv, odds.csv, versions.csv.
suppressMessages({library(metafor); library(clubSandwich)})

save_csv <- function(frame, file) {
  for (column in names(frame)) if (is.numeric(frame[[column]])) {
    frame[[column]] <- sprintf("%.17g", frame[[column]])
  }
  write.csv(frame, file, row.names = FALSE, quote = FALSE)
}

# Two comparisons in every third study, turn about; one in the others.
all <- read.csv("../dependence/data.csv", colClasses = c(study = "character"))
all <- all[all$set %in% c("assink", "random_a", "random_d", "random_e"), c("set", "study", "yi", "vi")]
all$effect <- ave(seq_len(nrow(all)), all$set, all$study, FUN = seq_along)
number <- ave(as.integer(factor(paste(all$set, all$study))), all$set, FUN = function(x) as.integer(factor(x)))
all$comparison <- ifelse(number %% 3 == 0, ifelse(all$effect %% 2 == 1, "a", "b"), "")
save_csv(all, "effects.csv")

tight <- list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 20000)
rows <- list()
means <- list()
for (set in unique(all$set)) for (rho in c(0.3, 0.6)) for (method in c("REML", "ML")) {
  d <- all[all$set == set, ]
  d$sample <- paste(d$study, d$comparison)
  V <- vcalc(vi, cluster = study, subgroup = comparison, obs = effect, rho = rho, data = d)
  m <- rma.mv(yi, V, random = ~ 1 | study/effect, data = d, method = method, control = tight)
  vcr <- vcovCR(m, cluster = d$study, type = "CR2")
  ct <- conf_int(m, vcov = vcr, test = "Satterthwaite")
  p <- coef_test(m, vcov = vcr, test = "Satterthwaite")$p_Satt
  # I2 with the typical variance of Viechtbauer's page on multilevel I2: W = V^-1, P = W - WX(X'WX)^-1 X'W.
  W <- solve(V)
  X <- model.matrix(m)
  P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
  tau2 <- sum(m$sigma2)
  typical <- (m$k - m$p) / sum(diag(P))
  reach <- qt(0.975, ct$df) * sqrt(ct$SE^2 + tau2)
  rows[[length(rows) + 1]] <- data.frame(set, rho, method, k = m$k, n_studies = length(unique(d$study)),
    estimate = ct$beta, se = ct$SE, df = ct$df, ci_low = ct$CI_L, ci_high = ct$CI_U, pval = p,
    pi_low = ct$beta - reach, pi_high = ct$beta + reach, tau2 = tau2, I2 = 100 * tau2 / (tau2 + typical),
    H2 = (tau2 + typical) / typical, QE = m$QE, QE_df = m$k - m$p, QE_p = m$QEp)
  if (method == "REML") {
    a <- aggregate(escalc(yi = yi, vi = vi, data = d), cluster = sample, struct = "CS", rho = rho,
      weighted = FALSE)
    means[[length(means) + 1]] <- data.frame(set, rho, study = a$study, comparison = a$comparison,
      yi = as.numeric(a$yi), vi = as.numeric(a$vi))
  }
}
save_csv(do.call(rbind, rows), "expected.csv")
save_csv(do.call(rbind, means), "composites.csv")

b <- data.frame(
  events_1 = c(15, 0, 5, 40, 20, 24), n_1 = c(26, 12, 5, 90, 55, 166),
  events_2 = c(5, 4, 2, 61, 11, 13), n_2 = c(28, 15, 8, 88, 60, 192)
)
e <- escalc(measure = "OR2DL", ai = events_1, n1i = n_1, ci = events_2, n2i = n_2, data = b)
save_csv(cbind(b, yi = as.numeric(e$yi), vi = as.numeric(e$vi)), "odds.csv")
write.csv(data.frame(package = c("R", "metafor", "clubSandwich"),
  version = c(as.character(getRversion()), as.character(packageVersion("metafor")),
    as.character(packageVersion("clubSandwich")))), "versions.csv", row.names = FALSE, quote = FALSE)
