-- Rates and quotas.
SELECT 1;
