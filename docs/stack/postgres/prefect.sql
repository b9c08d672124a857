-- The database of Prefect's server, beside docmill's own.
CREATE DATABASE prefect;
