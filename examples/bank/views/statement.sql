-- view statement
-- One row for each movement; balance is what the account held after it. Withdrawals are negative.
create table movement (
    account text not null,
    revision integer not null,
    time text not null,
    type text not null,
    amount integer not null,
    balance integer not null,
    primary key (account, revision)
) strict, without rowid;

-- on Deposited
insert into movement (account, revision, time, type, amount, balance)
values (@id, @revision, @time, @type, :amount, :amount + coalesce(
    (select balance from movement where account = @id order by revision desc limit 1), 0));

-- on Withdrawn
insert into movement (account, revision, time, type, amount, balance)
values (@id, @revision, @time, @type, -:amount, -:amount + coalesce(
    (select balance from movement where account = @id order by revision desc limit 1), 0));

-- query by_account(id)
select time, type, amount, balance from movement where account = :id order by revision;
