-- Attachments that travel apart.
SELECT 1;
