-- What left an airport in the three hours up to one hour before `known_at`. A delay is known once the plane has left,
-- so it counts in the hour in which it left, not in the one in which it should have.
SELECT
    origin,
    hour_of_departure + to_hours(hours) AS known_at,
    CAST(sum(flights) AS BIGINT) AS departures,
    sum(minutes) / sum(flights) AS mean_delay
FROM (
    SELECT
        origin,
        date_trunc('hour', scheduled_departure + to_minutes(CAST(dep_delay AS BIGINT))) AS hour_of_departure,
        count(*) AS flights,
        sum(dep_delay) AS minutes
    FROM flights
    WHERE dep_delay IS NOT NULL
    GROUP BY ALL
)
CROSS JOIN (VALUES (2), (3), (4)) AS later (hours)
GROUP BY origin, known_at
