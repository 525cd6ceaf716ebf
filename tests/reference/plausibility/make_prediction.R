# Where the effect of a new study is expected, its own sampling error included, by metafor's DerSimonian-Laird fit.
#   Rscript make_prediction.R > prediction.json
suppressPackageStartupMessages(library(metafor))
sets <- list(
  bcg = escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = metadat::dat.bcg),
  normand = escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i,
                   data = metadat::dat.normand1999)
)
one <- function(name) {
  set <- sets[[name]]
  fit <- rma(yi, vi, data = set, method = "DL", subset = -1)
  reach <- qt(0.975, fit$k - 2) * sqrt(fit$tau2 + fit$se^2 + set$vi[1])
  numbers <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
  sprintf('  "%s": {"yi": %s, "vi": %s, "vi_new": %.15g, "low": %.15g, "high": %.15g}', name, numbers(set$yi[-1]),
          numbers(set$vi[-1]), set$vi[1], coef(fit) - reach, coef(fit) + reach)
}
cat("{\n", paste(sapply(names(sets), one), collapse = ",\n"), "\n}\n", sep = "")
