-- One row per flight, from what is known before it departs. A flight that did not land has no label.
SELECT
    f.flight_id,
    f.scheduled_departure,
    f.air_time,
    f.carrier,
    f.origin,
    f.dest,
    f.distance,
    f.sched_dep_time // 100 + (f.sched_dep_time % 100) / 60.0 AS departure_hour,
    f.month,
    w.temp,
    w.wind_dir,
    w.wind_speed,
    w.pressure,
    f.year - p.year AS plane_age,
    p.seats,
    p.engine
FROM flights AS f
ASOF LEFT JOIN weather AS w
    ON f.origin = w.origin AND f.scheduled_departure - INTERVAL 1 HOUR >= w.time_hour
LEFT JOIN planes AS p ON f.tailnum = p.tailnum
