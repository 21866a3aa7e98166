-- view delays
-- Flights and their delay in minutes, for each hour of the day in which they took off.
create table hour (
    hour integer primary key,
    flights integer not null,
    total_delay integer not null
) strict;

-- on Flight
insert into hour (hour, flights, total_delay) values (cast(:time as integer), 1, :delay)
on conflict (hour) do update set flights = flights + 1,
    total_delay = total_delay + excluded.total_delay;

-- query by_hour()
select hour, flights, total_delay, round(1.0 * total_delay / flights, 2) as mean_delay
from hour order by hour;
