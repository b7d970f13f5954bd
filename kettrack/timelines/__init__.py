"""Pure: tables in, tables out. Courses, states and outcomes of each patient."""
