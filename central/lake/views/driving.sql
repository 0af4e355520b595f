-- How a vehicle was driven in a day. Needs line.sql.
--
--   readings        lines with a speed that is a number
--   not_numbers     lines whose speed is something else: they count here, and nowhere as 0
--   distance_km     the mean speed of each two readings that follow each other within 10 s, times the time between them
--   harsh_braking   such pairs between which the speed fell by more than 6 m/s for each second
--
-- Both are null where no two readings stand so close: nothing is known then, and 0 would be a claim.
create or replace view vehicle_day_driving as
with reading as (
    select
        vehicle, day, event_ms, abs(speed_kmh) as speed_kmh,
        lag(abs(speed_kmh)) over in_order as speed_before,
        event_ms - lag(event_ms) over in_order as since_ms
    from vehicle_line
    where says_speed
    window in_order as (
        partition by vehicle, day, speed_kmh is null
        order by event_ms, topic, kafka_partition, kafka_offset
    )
),
step as (
    select
        vehicle, day, speed_kmh, speed_before,
        case when speed_kmh is not null and since_ms between 1 and 10000 then cast(since_ms as decimal(5, 0)) end as step_ms
    from reading
)
select
    vehicle, day,
    count(speed_kmh) as readings,
    count(*) - count(speed_kmh) as not_numbers,
    -- Decimals are added up, not floats: the sum is the same in any order. km/h times ms, twice, is 7,200,000 to the kilometre.
    cast(sum((speed_before + speed_kmh) * step_ms) as double) / 7200000 as distance_km,
    case when count(step_ms) > 0
        then count(case when (speed_before - speed_kmh) * 1000 > 21.6 * step_ms then 1 end) end as harsh_braking
from step
group by vehicle, day;
