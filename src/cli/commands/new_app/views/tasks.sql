-- view tasks
create table task (
    id text primary key,
    title text not null,
    planned text not null,
    finished text
) strict;

-- on Planned
insert into task (id, title, planned) values (@id, :title, @time);

-- on Renamed
update task set title = :title where id = @id;

-- on Finished
update task set finished = @time where id = @id;

-- query open()
select id, title, planned from task where finished is null order by planned, id;

-- query by_id(id)
select id, title, planned, finished from task where id = :id;
