"""The enrolment authority: who says who takes part, apart from the coordinator."""
