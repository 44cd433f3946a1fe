-- A row that anybody changes has a new version: raw is compared with the database by loaded_at.
CREATE FUNCTION platform.set_loaded_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.loaded_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER set_loaded_at BEFORE UPDATE ON market.coins FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.* AND OLD.loaded_at = NEW.loaded_at)
    EXECUTE FUNCTION platform.set_loaded_at();
CREATE TRIGGER set_loaded_at BEFORE UPDATE ON market.coin_quotes FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.* AND OLD.loaded_at = NEW.loaded_at)
    EXECUTE FUNCTION platform.set_loaded_at();
