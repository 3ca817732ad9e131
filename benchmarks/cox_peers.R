# Times Cox models for bench_cox.py:
# Rscript --vanilla cox_peers.R table.csv plain|tested|cluster runs

suppressPackageStartupMessages(library(survival))
asked <- commandArgs(trailingOnly = TRUE)
homes <- read.csv(asked[1])
right <- Surv(years, left) ~ x0 + x1 + x2 + x3 + x4

work <- switch(asked[2],
  plain = function() coef(coxph(right, homes)),
  tested = function() {
    fit <- coxph(right, homes)
    tests <- lapply(c("km", "rank", "identity"), function(g) cox.zph(fit, g)$table)
    tests[[1]][, 1]
  },
  cluster = function() {
    fit <- coxph(right, homes, cluster = group)
    c(coef(fit), sqrt(diag(vcov(fit))))
  })

timed <- function() {
  started <- proc.time()[["elapsed"]]
  numbers <<- work()
  proc.time()[["elapsed"]] - started
}
runs <- as.integer(asked[3])
if (runs > 1) invisible(work())
seconds <- replicate(runs, timed())
digits <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
cat(sprintf('{"seconds": [%s], "numbers": [%s], "version": "survival %s, R %s.%s"}',
            digits(seconds), digits(numbers), as.character(packageVersion("survival")),
            R.version$major, R.version$minor))
