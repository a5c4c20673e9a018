-- Addresses to nudge and what became of it.
SELECT 1;
