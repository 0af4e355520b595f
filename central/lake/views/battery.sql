-- The battery of a vehicle in a day. Needs line.sql.
--
--   readings      lines with a voltage that is a number
--   not_numbers   lines whose voltage is something else
--   lowest_v      the lowest voltage; null without a reading
create or replace view vehicle_day_battery as
select
    vehicle, day,
    count(battery_v) as readings,
    count(*) - count(battery_v) as not_numbers,
    min(battery_v) as lowest_v
from vehicle_line
where says_battery
group by vehicle, day;
