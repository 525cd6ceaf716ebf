# One-sided tolerance factors of the normal distribution, by the noncentral t distribution (Howe 1969).
# Rscript make_tolerance.R, in this folder; needs nothing but R. Factors of n = 10 and n = 30 are printed in
# tables of tolerance limits, 2.568 and 2.080 for instance.
rows <- expand.grid(n = c(3, 5, 10, 20, 30), content = c(0.90, 0.95, 0.99), assurance = c(0.90, 0.95))
rows$factor <- mapply(
  function(n, content, assurance) qt(assurance, n - 1, qnorm(content) * sqrt(n)) / sqrt(n),
  rows$n, rows$content, rows$assurance
)
rows$factor <- sprintf("%.8f", rows$factor)
write.csv(rows, "tolerance.csv", row.names = FALSE, quote = FALSE)
