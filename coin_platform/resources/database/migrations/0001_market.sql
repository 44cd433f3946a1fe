-- What is known of each coin, and what it was worth hour by hour.
CREATE SCHEMA market;

CREATE TABLE market.coins (
    coin_id bigint NOT NULL,
    name text,
    symbol text,
    slug text,
    date_added timestamptz,
    max_supply double precision,
    infinite_supply boolean,
    platform_id bigint,
    platform_name text,
    platform_token_address text,
    tags text,
    snapshot_hour timestamptz NOT NULL,
    source text NOT NULL,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (coin_id)
);
COMMENT ON TABLE market.coins IS 'What is known of each coin, from the newest hour that showed it. A row is written only when something changed.';
COMMENT ON COLUMN market.coins.coin_id IS 'CoinMarketCap''s id; the only identity a coin has.';
COMMENT ON COLUMN market.coins.name IS 'Name, verbatim. Not unique.';
COMMENT ON COLUMN market.coins.symbol IS 'Ticker symbol, verbatim. Not unique.';
COMMENT ON COLUMN market.coins.slug IS 'Name in the vendor''s web addresses.';
COMMENT ON COLUMN market.coins.date_added IS 'When the vendor first listed the coin.';
COMMENT ON COLUMN market.coins.max_supply IS 'Largest supply there can ever be; null: no known cap. Unit: coins.';
COMMENT ON COLUMN market.coins.infinite_supply IS 'Whether supply is known to have no cap.';
COMMENT ON COLUMN market.coins.platform_id IS 'Coin id of the chain a token lives on; null for a chain''s own coin.';
COMMENT ON COLUMN market.coins.platform_name IS 'Name of that chain.';
COMMENT ON COLUMN market.coins.platform_token_address IS 'The token''s address on that chain.';
COMMENT ON COLUMN market.coins.tags IS 'The vendor''s tag slugs in its order, joined by commas.';
COMMENT ON COLUMN market.coins.snapshot_hour IS 'Hour of the snapshot that brought the row to its present state.';
COMMENT ON COLUMN market.coins.source IS 'Who said so: the vendor, or the simulated market.';
COMMENT ON COLUMN market.coins.loaded_at IS 'Start of the transaction that last changed the row.';

-- A change must carry `tags` even when it did not change: the value may be stored out of line, and
-- change capture then leaves it out.
ALTER TABLE market.coins REPLICA IDENTITY FULL;

CREATE TABLE market.coin_quotes (
    snapshot_hour timestamptz NOT NULL,
    coin_id bigint NOT NULL,
    currency text NOT NULL,
    last_updated timestamptz,
    cmc_rank integer,
    num_market_pairs integer,
    circulating_supply double precision,
    total_supply double precision,
    price double precision,
    volume_24h double precision,
    volume_change_24h double precision,
    percent_change_1h double precision,
    percent_change_24h double precision,
    percent_change_7d double precision,
    percent_change_30d double precision,
    percent_change_60d double precision,
    percent_change_90d double precision,
    market_cap double precision,
    market_cap_dominance double precision,
    fully_diluted_market_cap double precision,
    source text NOT NULL,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (snapshot_hour, coin_id, currency)
);
COMMENT ON TABLE market.coin_quotes IS 'What each coin was worth as each hour closed.';
COMMENT ON COLUMN market.coin_quotes.snapshot_hour IS 'Start of the hour whose closing market the row shows.';
COMMENT ON COLUMN market.coin_quotes.coin_id IS 'CoinMarketCap''s id; the only identity a coin has.';
COMMENT ON COLUMN market.coin_quotes.currency IS 'Currency that prices and capitalizations are given in.';
COMMENT ON COLUMN market.coin_quotes.last_updated IS 'When the vendor computed the quote.';
COMMENT ON COLUMN market.coin_quotes.cmc_rank IS 'The vendor''s rank by market cap; null for past hours and unranked coins.';
COMMENT ON COLUMN market.coin_quotes.num_market_pairs IS 'Markets that trade the coin.';
COMMENT ON COLUMN market.coin_quotes.circulating_supply IS 'Coins in circulation; 0: unknown. Unit: coins.';
COMMENT ON COLUMN market.coin_quotes.total_supply IS 'Coins created less coins burned; 0: unknown. Unit: coins.';
COMMENT ON COLUMN market.coin_quotes.price IS 'Price of one coin. Unit: currency.';
COMMENT ON COLUMN market.coin_quotes.volume_24h IS 'Traded over the last 24 hours. Unit: currency.';
COMMENT ON COLUMN market.coin_quotes.volume_change_24h IS 'Change of that volume over 24 hours. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.percent_change_1h IS 'Change of the price over one hour. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.percent_change_24h IS 'Change of the price over 24 hours. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.percent_change_7d IS 'Change of the price over 7 days. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.percent_change_30d IS 'Change of the price over 30 days. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.percent_change_60d IS 'Change of the price over 60 days. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.percent_change_90d IS 'Change of the price over 90 days. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.market_cap IS 'Price times circulating supply, as the vendor computes it. Unit: currency.';
COMMENT ON COLUMN market.coin_quotes.market_cap_dominance IS 'Share of the whole market''s cap. Unit: percent.';
COMMENT ON COLUMN market.coin_quotes.fully_diluted_market_cap IS 'Price times the largest supply. Unit: currency.';
COMMENT ON COLUMN market.coin_quotes.source IS 'Who said so: the vendor, or the simulated market.';
COMMENT ON COLUMN market.coin_quotes.loaded_at IS 'Start of the transaction that last changed the row.';

-- Rows are mostly appended. With the default share of a table of millions, days would pass before the
-- newest hours are known to the planner and can be read from the index alone.
ALTER TABLE market.coin_quotes SET (
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05
);
