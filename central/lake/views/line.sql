-- A row for each line that a vehicle sent, once, with what the other views need of it. All that differs between DuckDB, Spark and Trino is
-- in this file; DESIGN.md says how it is written there.
--
--   vehicle, day        of the event's time, in UTC
--   stream              the line's stream
--   event_ms            the event's time, in milliseconds since 1970
--   topic, kafka_partition, kafka_offset   where it lies: the order of lines that have one time
--   is_decoded          the body is a JSON object
--   says_speed, says_battery   the object has the field, whatever is in it
--   speed_kmh, battery_v       the number in it; null when it is something else, or more than the type holds
--
-- A repeat is a line with the identity of an earlier one of the same vehicle and day: it is left out. Lines of producers without an
-- identity are never repeats. Markers of shed records are no lines.
create or replace view vehicle_line as
with placed as (
    select
        vehicle, stream, cast(event_time at time zone 'UTC' as date) as day, epoch_ms(event_time) as event_ms,
        topic, "partition" as kafka_partition, "offset" as kafka_offset, agent, epoch, lane, seq, body
    from lake.tailgate.events
    where shed_to is null
),
counted as (
    select
        placed.*,
        row_number() over (
            partition by
                vehicle, day, agent, epoch, stream, lane, seq,
                case when agent is null then topic end,
                case when agent is null then kafka_partition end,
                case when agent is null then kafka_offset end
            order by topic, kafka_partition, kafka_offset
        ) as copy
    from placed
),
read as (
    select counted.*, try_cast(try(decode(body)) as json) as signals from counted where copy = 1
)
select
    vehicle, day, stream, event_ms, topic, kafka_partition, kafka_offset,
    coalesce(json_type(signals) = 'OBJECT', false) as is_decoded,
    json_type(signals, '$."Speed"') is not null as says_speed,
    case when json_type(signals, '$."Speed"') in ('DOUBLE', 'BIGINT', 'UBIGINT')
        then try_cast(signals ->> '$."Speed"' as decimal(9, 3)) end as speed_kmh,
    json_type(signals, '$."LowVoltageBattery.CurrentVoltage"') is not null as says_battery,
    case when json_type(signals, '$."LowVoltageBattery.CurrentVoltage"') in ('DOUBLE', 'BIGINT', 'UBIGINT')
        then try_cast(signals ->> '$."LowVoltageBattery.CurrentVoltage"' as decimal(9, 3)) end as battery_v
from read;
