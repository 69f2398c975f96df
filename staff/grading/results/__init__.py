"""Keep and show what was graded: records, the grade book, reports and the class at a glance."""
