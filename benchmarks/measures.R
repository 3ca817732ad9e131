# Times laeken and survey for bench_measures.py:
# Rscript --vanilla measures.R incomes.csv fgt|gini runs

asked <- commandArgs(trailingOnly = TRUE)
homes <- if (requireNamespace("data.table", quietly = TRUE))
  as.data.frame(data.table::fread(asked[1])) else read.csv(asked[1])
line <- 5000

# svydesign is what a user pays once a table, so it is not timed.
design <- if (asked[2] == "fgt") survey::svydesign(
  ~village, strata = ~stratum, weights = ~weight, data = homes, nest = TRUE
)

work <- function() {
  if (asked[2] == "gini")
    return(laeken::gini(homes$income, homes$weight)$value / 100)
  poor <- homes$income < line
  gap <- ifelse(poor, 1 - homes$income / line, 0)
  d <- update(design, poor = as.numeric(poor), gap = gap, severity = gap^2)
  found <- survey::svymean(~poor + gap + severity, d)
  c(coef(found), survey::SE(found))
}

numbers <- work()
seconds <- replicate(as.integer(asked[3]), {
  started <- proc.time()[["elapsed"]]
  work()
  proc.time()[["elapsed"]] - started
})
digits <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
package <- if (asked[2] == "gini") "laeken" else "survey"
cat(sprintf('{"seconds": [%s], "numbers": [%s], "version": "R %s.%s, %s %s"}',
            digits(seconds), digits(numbers), R.version$major, R.version$minor,
            package, packageVersion(package)))
