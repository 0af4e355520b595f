-- What came of a vehicle in a day. Needs line.sql.
--
--   lines               repeats left out
--   undecoded           of these: the body is no JSON object
--   first_ms, last_ms   times of the first and the last event, in milliseconds since 1970
create or replace view vehicle_day_lines as
select
    vehicle, day,
    count(*) as lines,
    count(case when not is_decoded then 1 end) as undecoded,
    min(event_ms) as first_ms,
    max(event_ms) as last_ms
from vehicle_line
group by vehicle, day;
