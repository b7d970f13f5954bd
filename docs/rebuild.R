#!/usr/bin/env Rscript
# The figures of page one again, from the rows of single patients, with the R package `survival`
# alone and none of kettrack's code.
#
#   mkdir rows
#   for name in response_by_session remission_by_session durability durability_from_response \
#       response_by_week worsening_by_week worsening state_after_course ladder session_counts \
#       responders among_scored suicidality_in_short adverse_events next_session; do
#     kettrack estimate $name clinic --rows rows/$name.csv
#   done
#   Rscript docs/rebuild.R rows rebuilt.csv
#
# Each file in the folder is named after its question. The result has one row per figure:
# `question`, `curve` (or the row of a table), `at` (session, day or week), `column` (as in
# `kettrack estimate NAME clinic -o NAME.csv`) and `value` (shares in percent).
#
# Not rebuilt, since they come from simulation and not from rows: what a model shows if sessions do
# nothing (`null`), and the bootstrap interval of the hypothetical curve. The answer on one more
# session is rebuilt, not the rows beside it, and its weights are taken as they were exported. Rows of single patients
# are not for release, and neither are files made of them.

suppressPackageStartupMessages(library(survival))

Z <- qnorm(0.975)
TAIL <- 0.025
BORDER <- 1e-9
HALF <- 0.5 - 1e-9

# ---- intervals

# Log-log; exact (Clopper and Pearson) where the share is 0 or 1, by the effective number of people.
with_ends <- function(share, error, people) {
  inside <- share > 0 & share < 1 - 1e-12
  safe <- ifelse(inside, share, 0.5)
  spread <- Z * error / (safe * abs(log(safe)))
  reach <- 1 - TAIL^(1 / people)
  low <- safe^exp(spread)
  high <- safe^exp(-spread)
  low[share < BORDER] <- 0
  high[share < BORDER] <- reach[share < BORDER]
  low[share > 1 - BORDER] <- 1 - reach[share > 1 - BORDER]
  high[share > 1 - BORDER] <- 1
  list(low = low, high = high)
}

# Peto's effective number: of those at risk, had nobody left before.
effective <- function(at_risk, before) {
  known <- before > BORDER
  number <- ifelse(known, at_risk / before, NA)
  number[cummax(ifelse(known, seq_along(known), 1))]
}

# Wilson; exact where everybody or nobody had it.
share_of <- function(events, n) {
  exact <- events %in% c(0, n)
  test <- if (exact) binom.test(events, n) else prop.test(events, n, correct = FALSE)
  ends <- test$conf.int
  c(n = n, events = events, estimate = 100 * events / n, ci_low = 100 * ends[1],
    ci_high = 100 * ends[2])
}

# ---- curves

# Everything of one curve at each whole step of its clock. Times go up by 1, so that what happens on
# day 0 happens after the beginning.
curve_of <- function(rows) {
  rows <- rows[rows$cause != "never_at_risk", ]
  time <- rows$time + 1
  grid <- seq_len(max(time))
  causes <- setdiff(unique(rows$cause), "log_ends")
  if (length(causes) == 0) causes <- "nothing"
  left <- factor(rows$cause, levels = c("log_ends", causes))
  fit <- survfit(Surv(time, left) ~ 1, conf.type = "none")
  at <- summary(fit, times = grid, extend = TRUE)
  share <- matrix(at$pstate, ncol = length(causes) + 1)
  error <- matrix(at$std.err, ncol = length(causes) + 1)
  error[is.na(error)] <- 0
  at_risk <- vapply(grid, function(step) sum(time >= step), 0)
  people <- effective(at_risk, c(1, share[-length(grid), 1]))
  list(grid = grid - 1, n = nrow(rows), causes = causes, share = share, error = error,
    at_risk = at_risk, people = people)
}

# Share and ends of one cause, or of nothing having happened yet.
part_of <- function(curve, cause) {
  place <- if (cause == "free") 1 else match(cause, curve$causes) + 1
  if (is.na(place)) {
    none <- rep(0, length(curve$grid))
    ends <- with_ends(none, none, curve$people)
    return(c(list(share = none), ends))
  }
  share <- curve$share[, place]
  c(list(share = share), with_ends(share, curve$error[, place], curve$people))
}

# A curve goes on flat after its last step.
on_grid <- function(values, curve, at) {
  values[pmin(match(pmin(at, max(curve$grid)), curve$grid), length(values))]
}

# Weights that change from day to day: a loss falls on its own day (`dated`) by the share it had of
# those at risk on the day on which it became known (`time`).
weighted_curve <- function(rows, at) {
  if (!any(rows$status)) return(rep(1, length(at)))
  fit <- survfit(Surv(start + 1, time + 1, status) ~ 1, data = rows, weights = weight)
  lost <- rows[rows$status, ]
  place <- match(lost$time + 1, fit$time)
  before <- c(1, fit$surv)[place]
  fall <- lost$weight / fit$n.risk[place] * before
  vapply(at, function(day) 1 - sum(fall[lost$dated <= day]), 0)
}

# ---- what is written

told <- function(question, curve, at, ...) {
  columns <- list(...)
  parts <- lapply(names(columns), function(name) {
    data.frame(question = question, curve = curve, at = at, column = name,
      value = as.numeric(columns[[name]]))
  })
  do.call(rbind, parts)
}

never_at_risk <- function(rows, curve) {
  sum(rows$curve == curve & rows$cause == "never_at_risk")
}

first_at <- function(reached, at) if (any(reached)) at[which(reached)[1]] else NA

# ---- questions

# Cumulative incidence by session, with the other ways to leave beside it.
by_session <- function(question, rows, main, rest) {
  curve <- curve_of(rows[rows$curve == main, ])
  keep <- curve$grid >= 1
  at <- curve$grid[keep]
  event <- part_of(curve, "responded")
  share <- function(cause) 100 * part_of(curve, cause)$share[keep]
  out <- told(question, "", at,
    n = curve$n, too_new = never_at_risk(rows, main), at_risk = curve$at_risk[keep],
    estimate = 100 * event$share[keep], ci_low = 100 * event$low[keep],
    ci_high = 100 * event$high[keep],
    stopped = share("stopped"), not_scored = share("not_scored"),
    completed = share("completed"), scored_later = share("scored_later"),
    at_most = share("responded") + share("not_scored") + share("scored_later"),
    half_by = first_at(event$share >= HALF, curve$grid),
    half_by_low = first_at(event$high >= HALF, curve$grid),
    half_by_high = first_at(event$low >= HALF, curve$grid))
  free <- told(question, "", at, rest = share("free"))
  free$column <- rest
  beside <- lapply(setdiff(unique(rows$curve), main), function(name) {
    other <- curve_of(rows[rows$curve == name, ])
    event <- part_of(other, "responded")
    parts <- event[c("share", "low", "high")]
    names(parts) <- paste0(name, c("", "_low", "_high"))
    do.call(told, c(list(question, "", at),
      lapply(parts, function(values) 100 * on_grid(values, other, at))))
  })
  rbind(out, free, do.call(rbind, beside))
}

# The same by week; a week ends on its last day.
by_week <- function(question, rows) {
  curve <- curve_of(rows[rows$curve == "event", ])
  weeks <- seq_len(max(1, ceiling(max(curve$grid) / 7)))
  at <- 7 * weeks
  share <- function(cause) 100 * on_grid(part_of(curve, cause)$share, curve, at)
  event <- part_of(curve, "event")
  out <- told(question, "", weeks,
    n = curve$n, too_new = never_at_risk(rows, "event"),
    estimate = share("event"),
    ci_low = 100 * on_grid(event$low, curve, at),
    ci_high = 100 * on_grid(event$high, curve, at),
    stopped = share("stopped"), not_scored = share("not_scored"),
    still_followed = share("free"),
    at_most = share("event") + share("stopped") + share("not_scored"))
  beside <- lapply(setdiff(unique(rows$curve), "event"), function(name) {
    other <- curve_of(rows[rows$curve == name, ])
    values <- 100 * on_grid(part_of(other, "event")$share, other, at)
    data.frame(question = question, curve = "", at = weeks, column = name, value = values)
  })
  rbind(out, do.call(rbind, beside))
}

# Three strategies for further sessions, each by the rule in force and by a single score.
durability <- function(question, rows) {
  counted <- grepl("_count_(retreated|silent)$", rows$curve)
  beside <- rows[counted, ]
  rows <- rows[!counted, ]
  bounds <- "_(bound|silent)_(lost|held)$"
  curves <- grep(bounds, unique(rows$curve), value = TRUE, invert = TRUE)
  days <- 0:364
  still <- function(name) {
    part <- rows[rows$curve == name, ]
    if (grepl("^hypothetical", name)) return(100 * weighted_curve(part, days))
    curve <- curve_of(part)
    100 * on_grid(part_of(curve, "free")$share, curve, days)
  }
  one <- function(name) {
    estimate <- still(name)
    out <- told(question, name, days, estimate = estimate,
      n = length(unique(rows$patient_id[rows$curve == name])),
      median_day = first_at(estimate <= 100 * HALF + 2e-7, days))
    if (!grepl("^hypothetical", name)) {
      curve <- curve_of(rows[rows$curve == name, ])
      lost <- rows$time[rows$curve == name & rows$cause == "lost"]
      ended <- rows$time[rows$curve == name & rows$cause == "log_ends"]
      out <- rbind(out, told(question, name, days,
        at_risk = vapply(days, function(day) sum(rows$time[rows$curve == name] >= day), 0),
        lost = vapply(days, function(day) sum(lost <= day), 0),
        censored = vapply(days, function(day) sum(ended <= day), 0)))
      ends_of <- function(cause, label) {
        part <- part_of(curve, cause)
        parts <- lapply(part, function(values) 100 * on_grid(values, curve, days))
        ends <- told(question, name, days, share = parts$share, low = parts$low,
          high = parts$high)
        ends$column <- rep(label, each = length(days))
        ends
      }
      out <- rbind(out, ends_of("free", c("estimate_again", "ci_low", "ci_high")))
      if (grepl("^composite", name)) {
        out <- rbind(out,
          ends_of("lost", c("lost_first", "lost_first_low", "lost_first_high")),
          ends_of("retreated", c("again_first", "again_first_low", "again_first_high")))
      }
    }
    for (what in c("retreated", "silent")) {
      on <- beside$time[beside$curve == paste0(name, "_count_", what) & beside$status]
      so_far <- told(question, name, days, count = vapply(days, function(day) sum(on <= day), 0))
      so_far$column <- what
      out <- rbind(out, so_far)
    }
    for (bound in c("bound", "silent")) {
      for (how in c("lost", "held")) {
        case <- paste(name, bound, how, sep = "_")
        if (!case %in% rows$curve) next
        values <- if (how == "lost") pmin(estimate, still(case)) else pmax(estimate, still(case))
        end <- told(question, name, days, value = values)
        end$column <- paste0(bound, if (how == "lost") "_low" else "_high")
        out <- rbind(out, end)
      }
    }
    out
  }
  out <- do.call(rbind, lapply(curves, one))
  # The share by a single score stands beside that by the rule in force.
  single <- out[grepl("_single_score$", out$curve) &
    out$column %in% c("estimate", "ci_low", "ci_high"), ]
  single$curve <- sub("_single_score$", "_in_force", single$curve)
  single$column <- c(estimate = "single", ci_low = "single_low",
    ci_high = "single_high")[single$column]
  rbind(out[out$column != "estimate_again", ], single)
}

# Shares of people, each with its interval and with the bounds of those of whom it is not known.
shares <- function(question, rows) {
  one <- function(part) {
    known <- part[!is.na(part$status), ]
    found <- share_of(sum(known$status), nrow(known))
    unknown <- nrow(part) - nrow(known)
    data.frame(question = question, curve = part$curve[1], at = NA,
      column = c(names(found), "eligible", "if_none", "if_all", "day"),
      value = c(found, nrow(part), 100 * found["events"] / nrow(part),
        100 * (found["events"] + unknown) / nrow(part), median(part$time, na.rm = TRUE)))
  }
  do.call(rbind, lapply(split(rows, rows$curve), one))
}

# Shares with their exact interval, and events per 100 person-years.
suicidality <- function(question, rows) {
  one <- function(part) {
    name <- part$curve[1]
    if (name %in% c("attempt", "psychiatric", "suicide", "death")) {
      years <- sum(part$time[!part$status]) / 365.25 / 100
      events <- sum(part$status)
      ends <- poisson.test(events, years)$conf.int
      return(told(question, name, NA, events = events, n = sum(!part$status),
        estimate = events / years, ci_low = ends[1], ci_high = ends[2]))
    }
    events <- sum(part$status)
    ends <- 100 * binom.test(events, nrow(part))$conf.int
    told(question, name, NA, events = events, n = nrow(part),
      estimate = 100 * events / nrow(part), ci_low = ends[1], ci_high = ends[2])
  }
  do.call(rbind, lapply(split(rows, rows$curve), one))
}

# Share of sessions with people as clusters (Korn and Graubard 1998), and of people.
side_effects <- function(question, rows) {
  one <- function(part) {
    sessions <- sum(part$time)
    events <- sum(part$value)
    share <- events / sessions
    people <- nrow(part)
    effective <- sessions
    if (share > 0 && share < 1 && people > 1) {
      residual <- part$value - share * part$time
      variance <- people / (people - 1) * sum(residual^2) / sessions^2
      few <- qt(1 - TAIL, sessions - 1) / qt(1 - TAIL, people - 1)
      effective <- min(sessions, share * (1 - share) / variance * few^2)
    }
    x <- share * effective
    low <- if (x == 0) 0 else qbeta(TAIL, x, effective - x + 1)
    high <- if (share == 1) 1 else qbeta(1 - TAIL, x + 1, effective - x)
    having <- sum(part$status)
    ends <- 100 * binom.test(having, people)$conf.int
    told(question, part$curve[1], NA, sessions = sessions, events = events,
      estimate = 100 * share, ci_low = 100 * low, ci_high = 100 * high, n = people,
      people_with = having, people_share = 100 * having / people, people_low = ends[1],
      people_high = ends[2])
  }
  do.call(rbind, lapply(split(rows, rows$curve), one))
}

# Who is left after each step; people leave at the first reason that applies.
steps <- function(question, rows, order) {
  lost <- vapply(order, function(name) sum(rows$cause == name, na.rm = TRUE), 0)
  left <- nrow(rows) - cumsum(lost)
  out <- lapply(order, function(name) {
    told(question, name, NA, lost = lost[[name]], left = left[[name]], n = nrow(rows),
      estimate = 100 * left[[name]] / nrow(rows))
  })
  do.call(rbind, out)
}

# Mean score at each session or week, with its t interval.
means <- function(question, rows) {
  one <- function(part) {
    n <- nrow(part)
    # With fewer people nothing is shown.
    if (n < 11) return(NULL)
    reach <- qt(1 - TAIL, n - 1) * sd(part$value) / sqrt(n)
    told(question, paste(part$curve[1], part$time[1], sep = "_"), NA, n = n,
      estimate = mean(part$value), ci_low = mean(part$value) - reach,
      ci_high = mean(part$value) + reach)
  }
  do.call(rbind, lapply(split(rows, list(rows$curve, rows$time), drop = TRUE), one))
}

# If nobody had stopped early: whoever stayed stands for those like them who left. Without weights
# stopping counts as chance.
if_all_continued <- function(question, rows) {
  stays <- function(weights) {
    fit <- survfit(Surv(start, time, status) ~ 1, data = rows, weights = weights)
    100 * (1 - fit$surv)
  }
  told(question, "", sort(unique(rows$time)),
    estimate = stays(rows$weight), plain = stays(rep(1, nrow(rows))))
}

# Of people who were not better after a session and went on: who responded later.
go_on <- function(question, rows) {
  one <- function(name) {
    curve <- curve_of(rows[rows$curve == name, ])
    event <- part_of(curve, "responded")
    last <- length(curve$grid)
    row <- sub("_(confirmed|single)$", "", name)
    if (grepl("_single$", name)) {
      return(told(question, row, NA, single = 100 * event$share[last]))
    }
    told(question, row, NA, n = curve$n, estimate = 100 * event$share[last],
      ci_low = 100 * event$low[last], ci_high = 100 * event$high[last])
  }
  at_risk <- rows$curve[rows$cause != "never_at_risk"]
  do.call(rbind, lapply(unique(at_risk), one))
}

# Mean number of losses per person by each week.
recurrent_loss <- function(question, rows) {
  fit <- survfit(Surv(start, time, status) ~ 1, data = rows[rows$time > rows$start, ])
  days <- seq(7, max(rows$time), by = 7)
  told(question, "", days, estimate = c(0, fit$cumhaz)[findInterval(days, fit$time) + 1])
}

# Columns of a design from rows that stand one below the other, in the order of the decisions.
columns_of <- function(rows, kind) {
  names <- unique(rows$curve[startsWith(rows$curve, kind)])
  vapply(names, function(name) rows$value[rows$curve == name], numeric(sum(rows$curve == names[1])))
}

# One more session: weighted least squares of the score on the arm, the history and arm x what may
# change it, averaged over all decisions. The error counts people: residuals are divided by the root
# of what the fit left of them (Bell and McCaffrey 2002), and the mean history has its own.
one_more <- function(question, rows) {
  own <- rows[rows$curve == question, ]
  history <- columns_of(rows, "history_")
  changes <- columns_of(rows, "modifier_")
  arm <- as.numeric(own$status)
  design <- cbind(1, arm, history, changes * arm)
  used <- own$weight > 0
  root <- sqrt(own$weight[used])
  x <- design[used, ] * root
  y <- own$value[used] * root
  # Columns that others make up add nothing.
  kept <- qr(x, tol = 1e-9)
  kept <- sort(kept$pivot[seq_len(kept$rank)])
  x <- x[, kept]
  bread <- solve(crossprod(x))
  beta <- drop(bread %*% crossprod(x, y))
  residual <- drop(y - x %*% beta)
  scores <- vapply(split(seq_along(y), own$patient_id[used]), function(mine) {
    part <- x[mine, , drop = FALSE]
    left <- eigen(diag(length(mine)) - part %*% bread %*% t(part), symmetric = TRUE)
    turn <- ifelse(left$values > 1e-9, 1 / sqrt(pmax(left$values, 1e-9)), 0)
    drop(t(part) %*% left$vectors %*% (turn * crossprod(left$vectors, residual[mine])))
  }, numeric(length(kept)))
  covariance <- bread %*% tcrossprod(scores) %*% bread
  middle <- colMeans(changes)
  contrast <- c(0, 1, rep(0, ncol(history)), middle)[kept]
  estimate <- sum(contrast * beta)
  slopes <- replace(numeric(ncol(design)), kept, beta)[-seq_len(2 + ncol(history))]
  moves <- rowsum(sweep(changes, 2, middle) %*% slopes, own$patient_id) / nrow(own)
  error <- sqrt(sum(contrast * (covariance %*% contrast)) + sum(moves^2))
  rbind(
    told(question, question, NA, trials = nrow(own), n = length(unique(own$patient_id)),
      estimate = estimate, ci_low = estimate - Z * error, ci_high = estimate + Z * error),
    told(question, "all_scored", NA, estimate = 100 * mean(!is.na(own$value))))
}

session_counts <- function(question, rows) {
  most <- 12
  one <- function(name) {
    sessions <- rows$time[rows$curve == name]
    counts <- tabulate(pmin(sessions, most), most)
    columns <- rbind(
      told(question, "", seq_len(most), count = counts, n = length(sessions)),
      told(question, "", seq_len(most), median = median(sessions)))
    columns$column[columns$column == "count"] <- name
    columns$column[columns$column == "median"] <- paste0("median_", name)
    columns
  }
  do.call(rbind, lapply(unique(rows$curve), one))
}

LADDER <- c("started", "no_baseline", "below_caseness", "no_follow_up", "prior_sessions",
  "placebo", "analysable")
RESPONDERS <- c("events", "waiting", "left_out", "outcomes", "late", "too_new", "all_courses",
  "later", "not_shown", "first_course")

rebuild <- function(question, rows) {
  switch(question,
    response_by_session = by_session(question, rows, "response", "still_in_course"),
    remission_by_session = by_session(question, rows, "remission", "still_in_course"),
    response_by_any_session = by_session(question, rows, "response", "still_coming"),
    response_by_week = , worsening_by_week = by_week(question, rows),
    durability = , durability_from_response = durability(question, rows),
    state_after_course = , among_scored = , worsening = shares(question, rows),
    suicidality_in_short = suicidality(question, rows),
    adverse_events = side_effects(question, rows),
    ladder = steps(question, rows, LADDER),
    responders = steps(question, rows, RESPONDERS),
    session_counts = session_counts(question, rows),
    response_if_all_continued = if_all_continued(question, rows),
    should_we_go_on = go_on(question, rows),
    recurrent_loss = recurrent_loss(question, rows),
    trajectories = means(question, rows),
    next_session = , next_session_maintenance = one_more(question, rows),
    message("Not rebuilt here: ", question, "."))
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("Usage: Rscript rebuild.R FOLDER_OF_ROWS REBUILT.csv")
files <- list.files(arguments[1], pattern = "[.]csv$", full.names = TRUE)
if (length(files) == 0) stop("There is no .csv in ", arguments[1])
rebuilt <- lapply(files, function(file) {
  # Codes of patients stay text: 001 is not 1.
  rows <- read.csv(file, colClasses = c(patient_id = "character", cause = "character",
    curve = "character", group = "character"))
  # Were truth values written in words that R does not know, everything would be wrong.
  stopifnot(is.logical(rows$status))
  rebuild(sub("[.]csv$", "", basename(file)), rows)
})
write.csv(format(do.call(rbind, rebuilt), digits = 15, trim = TRUE), arguments[2],
  row.names = FALSE, quote = FALSE)
