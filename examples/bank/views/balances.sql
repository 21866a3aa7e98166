-- view balances
create table account (
    id text primary key,
    owner text not null,
    balance integer not null default 0
) strict;

-- on Opened
insert into account (id, owner) values (@id, :owner);

-- on Deposited
update account set balance = balance + :amount where id = @id;

-- on Withdrawn
update account set balance = balance - :amount where id = @id;

-- query by_id(id)
select id, owner, balance from account where id = :id;
