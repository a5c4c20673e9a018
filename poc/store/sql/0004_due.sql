-- Held slots and messages, deadlines.
SELECT 1;
