//! Images, their names, and the pins that containers hold on them.
//!
//! Owns: rows of images, tags and pins. Never does: reading a manifest or config; their bytes come and go verbatim.

use buildc_digest::Digest;
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::Store;
use crate::error::{Result, StoreError};
use crate::index::digest_column;
use crate::layer::{Layer, LayerId, all_fresh, layer_in, use_layer};
use crate::lease::now_ms;

/// An image in the store. Its id, as in `docker images`, is the config's digest.
#[derive(Clone, Debug)]
pub struct ImageRecord {
    /// Digest of the config.
    pub id: Digest,
    /// Digest of the manifest it was stored with last.
    pub manifest: Digest,
    /// That manifest's media type.
    pub manifest_media_type: String,
    /// Lowest first.
    pub layers: Vec<Layer>,
    /// Fully qualified names, sorted.
    pub tags: Vec<String>,
    /// `repository@manifest` names under which it was pulled or pushed, sorted.
    pub repo_digests: Vec<String>,
    /// Unix seconds when it came into the store.
    pub created: i64,
}

/// Fewest digits of an id that count as a prefix, so that short words are not taken for ids.
const MIN_PREFIX_DIGITS: usize = 3;

impl Store {
    /// Stores an image: manifest and config verbatim (both become blobs), layers lowest first. An image with the same
    /// config gets the new manifest beside the old.
    pub fn put_image(
        &self,
        manifest: &[u8],
        media_type: &str,
        config: &[u8],
        layers: &[LayerId],
    ) -> Result<ImageRecord> {
        let manifest = self.put_blob(manifest)?;
        let id = self.put_blob(config)?;
        self.index().write(|tx| {
            let now = now_ms();
            let mut insert = tx.prepare_cached(
                "INSERT INTO images (id, manifest, media_type, created, last_used) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest,
                     media_type = excluded.media_type, last_used = excluded.last_used",
            )?;
            insert.execute((id.as_bytes(), manifest.as_bytes(), media_type, now / 1000, now))?;
            let mut alias = tx.prepare_cached(
                "INSERT OR REPLACE INTO image_manifests (manifest, image, media_type) VALUES (?1, ?2, ?3)",
            )?;
            alias.execute((manifest.as_bytes(), id.as_bytes(), media_type))?;
            tx.prepare_cached("DELETE FROM image_layers WHERE image = ?1")?.execute([id.as_bytes()])?;
            let mut link =
                tx.prepare_cached("INSERT INTO image_layers (image, position, layer) VALUES (?1, ?2, ?3)")?;
            for (position, layer) in (0i64..).zip(layers) {
                layer_in(self, tx, *layer)?;
                link.execute((id.as_bytes(), position, layer.0))?;
            }
            self.required_image(tx, &id)
        })
    }

    /// Points a fully qualified name (`docker.io/library/x:latest`) at an image.
    pub fn tag(&self, name: &str, id: &Digest) -> Result<()> {
        let tagged = "SELECT image AS id FROM tags WHERE name = ?1 AND image = ?2";
        if self.index().read(|tx| Ok(tx.prepare_cached(tagged)?.exists((name, id.as_bytes()))?))? {
            return Ok(());
        }
        self.index().write(|tx| {
            self.required_image(tx, id)?;
            let mut statement =
                tx.prepare_cached("INSERT OR REPLACE INTO tags (name, image) VALUES (?1, ?2)")?;
            statement.execute((name, id.as_bytes()))?;
            Ok(())
        })
    }

    /// Removes a name; whether there was one. The image stays.
    pub fn untag(&self, name: &str) -> Result<bool> {
        self.index()
            .write(|tx| Ok(tx.prepare_cached("DELETE FROM tags WHERE name = ?1")?.execute([name])? > 0))
    }

    /// Remembers that `repository` (`docker.io/library/x`) has the image under `digest`: its manifest's, or that of
    /// the index which led to it.
    pub fn record_repo_digest(&self, repository: &str, digest: &Digest, id: &Digest) -> Result<()> {
        self.index().write(|tx| {
            self.required_image(tx, id)?;
            let mut statement = tx.prepare_cached(
                "INSERT OR REPLACE INTO repo_digests (repository, digest, image) VALUES (?1, ?2, ?3)",
            )?;
            statement.execute((repository, digest.as_bytes(), id.as_bytes()))?;
            Ok(())
        })
    }

    /// An image by fully qualified name, `name@digest`, manifest digest, id, or a unique prefix of the id of at least
    /// three digits, with or without `sha256:`. Marked as used while this process has a lease.
    pub fn image(&self, name: &str) -> Result<Option<ImageRecord>> {
        let find = |tx: &Transaction<'_>| {
            self.find_image(tx, name)?.map(|id| self.required_image(tx, &id)).transpose()
        };
        self.used_image(find)
    }

    /// An image by the digest of any manifest it was stored with. Marked as used while this process has a lease.
    pub fn image_by_manifest(&self, manifest: &Digest) -> Result<Option<ImageRecord>> {
        self.used_image(|tx| {
            by_digest(tx, "SELECT image AS id FROM image_manifests WHERE manifest = ?1", manifest)?
                .map(|id| self.required_image(tx, &id))
                .transpose()
        })
    }

    /// Finds an image; with a lease, marks it and its layers where the lease does not protect them yet: who removes
    /// the image meanwhile must not take its layers away from under the lease.
    fn used_image(
        &self,
        find: impl Fn(&Transaction<'_>) -> Result<Option<ImageRecord>>,
    ) -> Result<Option<ImageRecord>> {
        let Some(fresh_from) = self.leases().fresh_from() else { return self.index().read(find) };
        let marked = "SELECT 1 FROM images WHERE id = ?1 AND last_used >= ?2";
        let (image, is_fresh) = self.index().read(|tx| {
            let Some(image) = find(tx)? else { return Ok((None, true)) };
            let is_fresh = tx.prepare_cached(marked)?.exists((image.id.as_bytes(), fresh_from))?
                && all_fresh(tx, &image.layers, fresh_from)?;
            Ok((Some(image), is_fresh))
        })?;
        if is_fresh {
            return Ok(image);
        }
        self.index().write(|tx| {
            let image = find(tx)?;
            if let Some(image) = &image {
                let mut touch = tx.prepare_cached("UPDATE images SET last_used = ?2 WHERE id = ?1")?;
                touch.execute((image.id.as_bytes(), now_ms()))?;
                image.layers.iter().try_for_each(|layer| use_layer(tx, layer.id))?;
            }
            Ok(image)
        })
    }

    /// All images, newest first.
    pub fn images(&self) -> Result<Vec<ImageRecord>> {
        self.index().read(|tx| {
            let mut statement = tx.prepare_cached("SELECT id FROM images ORDER BY created DESC, id")?;
            let mut rows = statement.query([])?;
            let mut images = Vec::new();
            while let Some(row) = rows.next()? {
                images.push(self.required_image(tx, &digest_column(row, "images", "id")?)?);
            }
            Ok(images)
        })
    }

    /// Removes an image with all its names. Its layers stay until prune. One that a container pins is
    /// [`StoreError::ImageInUse`].
    pub fn remove_image(&self, id: &Digest) -> Result<()> {
        self.index().write(|tx| {
            let mut pinned = tx.prepare_cached("SELECT holder FROM pins WHERE image = ?1 LIMIT 1")?;
            if let Some(holder) = pinned.query_row([id.as_bytes()], |row| row.get(0)).optional()? {
                return Err(StoreError::ImageInUse { id: *id, holder });
            }
            match tx.prepare_cached("DELETE FROM images WHERE id = ?1")?.execute([id.as_bytes()])? {
                0 => Err(StoreError::NoImage { name: id.to_string() }),
                _ => Ok(()),
            }
        })
    }

    /// Holds an image and layers for a container; prune and removal respect them until [`Store::unpin`].
    pub fn pin(&self, holder: &str, image: Option<&Digest>, layers: &[LayerId]) -> Result<()> {
        self.index().write(|tx| {
            tx.prepare_cached("DELETE FROM pins WHERE holder = ?1")?.execute([holder])?;
            let mut insert = tx.prepare_cached("INSERT INTO pins (holder, image) VALUES (?1, ?2)")?;
            insert.execute((holder, image.map(|i| i.as_bytes().to_vec())))?;
            let mut link =
                tx.prepare_cached("INSERT OR IGNORE INTO pin_layers (holder, layer) VALUES (?1, ?2)")?;
            for layer in layers {
                layer_in(self, tx, *layer)?;
                link.execute((holder, layer.0))?;
            }
            Ok(())
        })
    }

    /// Lets go of everything that `holder` pinned.
    pub fn unpin(&self, holder: &str) -> Result<()> {
        self.index().write(|tx| {
            tx.prepare_cached("DELETE FROM pins WHERE holder = ?1")?.execute([holder])?;
            Ok(())
        })
    }

    fn find_image(&self, tx: &Transaction<'_>, name: &str) -> Result<Option<Digest>> {
        let mut by_tag = tx.prepare_cached("SELECT image AS id FROM tags WHERE name = ?1")?;
        let mut rows = by_tag.query([name])?;
        if let Some(row) = rows.next()? {
            return digest_column(row, "tags", "id").map(Some);
        }
        if let Some((repository, digest)) = name.split_once('@') {
            return find_repo_digest(tx, repository, digest);
        }
        let digits = name.strip_prefix("sha256:").unwrap_or(name);
        if let Ok(digest) = format!("sha256:{digits}").parse::<Digest>() {
            if let Some(id) = by_digest(tx, "SELECT id FROM images WHERE id = ?1", &digest)? {
                return Ok(Some(id));
            }
            let by_manifest = "SELECT image AS id FROM image_manifests WHERE manifest = ?1";
            return by_digest(tx, by_manifest, &digest);
        }
        find_prefix(tx, digits)
    }

    /// An image that a row promises.
    fn required_image(&self, tx: &Transaction<'_>, id: &Digest) -> Result<ImageRecord> {
        let mut statement =
            tx.prepare_cached("SELECT id, manifest, media_type, created FROM images WHERE id = ?1")?;
        let mut rows = statement.query([id.as_bytes()])?;
        let Some(row) = rows.next()? else { return Err(StoreError::NoImage { name: id.to_string() }) };
        Ok(ImageRecord {
            id: *id,
            manifest: digest_column(row, "images", "manifest")?,
            manifest_media_type: row.get("media_type")?,
            layers: self.image_layers(tx, id)?,
            tags: names(tx, "SELECT name FROM tags WHERE image = ?1 ORDER BY name", id, |row| {
                Ok(row.get("name")?)
            })?,
            repo_digests: names(
                tx,
                "SELECT repository, digest FROM repo_digests WHERE image = ?1 ORDER BY repository, digest",
                id,
                |row| {
                    let repository: String = row.get("repository")?;
                    Ok(format!("{repository}@{}", digest_column(row, "repo_digests", "digest")?))
                },
            )?,
            created: row.get("created")?,
        })
    }

    fn image_layers(&self, tx: &Transaction<'_>, id: &Digest) -> Result<Vec<Layer>> {
        let mut statement =
            tx.prepare_cached("SELECT layer FROM image_layers WHERE image = ?1 ORDER BY position")?;
        let ids = statement.query_map([id.as_bytes()], |row| row.get(0).map(LayerId))?;
        ids.map(|id| layer_in(self, tx, id?)).collect()
    }
}

fn names(
    tx: &Transaction<'_>,
    sql: &str,
    id: &Digest,
    read: impl Fn(&Row<'_>) -> Result<String>,
) -> Result<Vec<String>> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_bytes()])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        names.push(read(row)?);
    }
    Ok(names)
}

fn by_digest(tx: &Transaction<'_>, sql: &str, digest: &Digest) -> Result<Option<Digest>> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([digest.as_bytes()])?;
    rows.next()?.map(|row| digest_column(row, "images", "id")).transpose()
}

/// `repository[:tag]@digest`; the digest alone decides which image, the repository must be one it is known under.
fn find_repo_digest(tx: &Transaction<'_>, repository: &str, digest: &str) -> Result<Option<Digest>> {
    let Ok(digest) = digest.parse::<Digest>() else { return Ok(None) };
    let slash = repository.rfind('/').unwrap_or(0);
    let repository = match repository.rfind(':') {
        Some(colon) if colon > slash => repository.get(..colon).unwrap_or(repository),
        _ => repository,
    };
    let mut statement =
        tx.prepare_cached("SELECT image AS id FROM repo_digests WHERE repository = ?1 AND digest = ?2")?;
    let mut rows = statement.query((repository, digest.as_bytes()))?;
    rows.next()?.map(|row| digest_column(row, "repo_digests", "id")).transpose()
}

fn find_prefix(tx: &Transaction<'_>, digits: &str) -> Result<Option<Digest>> {
    let is_hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if digits.len() < MIN_PREFIX_DIGITS || digits.len() > 64 || !is_hex {
        return Ok(None);
    }
    let mut statement =
        tx.prepare_cached("SELECT id FROM images WHERE lower(hex(id)) >= ?1 AND lower(hex(id)) < ?1 || 'g'")?;
    let mut rows = statement.query([digits])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(digest_column(row, "images", "id")?);
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(StoreError::AmbiguousImage { prefix: digits.to_owned(), count: found.len() }),
    }
}
