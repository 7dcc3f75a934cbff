-- One row per flight, from what is known before it departs. A cancelled flight has no label.
SELECT
    f.flight_id,
    f.scheduled_departure,
    f.arr_delay > 15 AS late,
    f.carrier,
    f.origin,
    f.dest,
    f.distance,
    f.sched_dep_time // 100 + (f.sched_dep_time % 100) / 60.0 AS departure_hour,
    f.sched_arr_time // 100 AS arrival_hour,
    dayofweek(f.scheduled_departure - INTERVAL 5 HOUR) AS weekday,
    w.temp,
    w.dewp,
    w.humid,
    w.wind_speed,
    w.precip,
    w.pressure,
    w.visib,
    f.year - p.year AS plane_age,
    p.seats
FROM flights AS f
-- The last report at least one hour before departure: nothing later is known then.
ASOF LEFT JOIN weather AS w
    ON f.origin = w.origin AND f.scheduled_departure - INTERVAL 1 HOUR >= w.time_hour
LEFT JOIN planes AS p ON f.tailnum = p.tailnum
