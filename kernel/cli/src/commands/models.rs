//! `openkoi models`: the models of the connected providers, with their powers and prices.

use openkoi_app::{
    models::{
        self, Catalogue, Connection, Connections, Facts, Listing, ListingAnswer, PATIENCE, Routes,
    },
    settings::Settings,
};
use openkoi_core::document::{
    Block, Column, ColumnKind, Document, Heading, Moment, Pairs, Span, Table, Timeline, Tone, Value,
};

use crate::{
    context::Context,
    error::CommandError,
    output::{Output, plural},
    reply::Reply,
};

/// Arguments of `openkoi models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show only models with all of these words in their name
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Show only the models of this provider
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Ask the providers even if their lists are fresh
    #[arg(long, conflicts_with = "offline")]
    pub refresh: bool,
    /// Ask nobody: show what is bundled and what was listed before
    #[arg(long)]
    pub offline: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Returns the models. Providers whose list is out of date are asked for a new one, all at once.
/// One that does not answer is shown with its former list.
///
/// # Errors
///
/// When nothing is connected, or there is no such provider.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let settings = context.settings()?;
    let mut connections = context.connections(&settings)?;
    if !args.offline {
        models::probe(&context.app, &settings, &mut connections)?;
    }
    let chosen = chosen(args, &connections, context)?;
    let failed = match args.offline {
        true => Vec::new(),
        false => refreshed(args, &chosen, &settings, context)?,
    };
    let catalogue = context.catalogue(&connections)?;
    let routes = connections.routes(&settings, &catalogue).unwrap_or_default();
    let listed = ModelTable::of(args, &chosen, &catalogue, &routes, context)?;
    Ok(Reply::new(ModelTable { failed, ..listed }, args.json))
}

/// Returns the connections to show.
fn chosen(
    args: &Args,
    connections: &Connections,
    context: &Context,
) -> Result<Vec<Connection>, CommandError> {
    let Some(name) = &args.provider else {
        if connections.ready.is_empty() {
            let catalogue = context.catalogue(connections)?;
            connections.routes(&context.settings()?, &catalogue)?;
        }
        return Ok(connections.ready.clone());
    };
    // Selecting a model of that provider gives the error about its name.
    let catalogue = context.catalogue(connections)?;
    match connections.find(name) {
        Some(connection) => Ok(vec![connection.clone()]),
        None => Err(connections
            .select(&format!("{name}/-"), &catalogue)
            .err()
            .map_or_else(|| CommandError::usage("no such provider"), CommandError::from)),
    }
}

/// Asks for the lists that are out of date, and returns the providers that did not answer, with the
/// reasons.
fn refreshed(
    args: &Args,
    chosen: &[Connection],
    settings: &Settings,
    context: &Context,
) -> Result<Vec<(String, String)>, CommandError> {
    let home = context.paths()?.home();
    let now_ms = context.printer.now_ms();
    let stale = chosen.iter().filter(|one| {
        let listing = Listing::read(home, &one.name, &one.base_url);
        args.refresh || !listing.is_some_and(|listing| listing.is_fresh(now_ms))
    });
    let stale: Vec<Connection> = stale.cloned().collect();
    let answered = models::ask(&context.app, settings, &stale, PATIENCE)?;
    let failed = answered.into_iter().filter_map(|ListingAnswer { provider, listing, .. }| {
        listing.err().map(|reason| (provider, reason))
    });
    Ok(failed.collect())
}

/// One model of a connection.
struct ModelRow {
    provider: String,
    model: String,
    facts: Facts,
    roles: Vec<String>,
}

struct ModelTable {
    rows: Vec<ModelRow>,
    /// The times of the providers' lists, in milliseconds since 1970.
    fetched: Vec<(String, u64)>,
    failed: Vec<(String, String)>,
    date: String,
    source: String,
}

impl ModelTable {
    fn of(
        args: &Args,
        chosen: &[Connection],
        catalogue: &Catalogue,
        routes: &Routes,
        context: &Context,
    ) -> Result<Self, CommandError> {
        let home = context.paths()?.home();
        let words: Vec<String> = args.words.iter().map(|word| word.to_lowercase()).collect();
        let mut rows = Vec::new();
        let mut fetched = Vec::new();
        for one in chosen {
            let listing = Listing::read(home, &one.name, &one.base_url);
            fetched.extend(listing.map(|listing| (one.name.clone(), listing.fetched_at_ms)));
            let models = one.models(catalogue).into_iter();
            let rows_of_one = models.map(|(model, facts)| row(one, model, facts, routes));
            rows.extend(rows_of_one.filter(|row| row.has(&words)));
        }
        let (date, source) = catalogue.provenance();
        let (date, source) = (date.to_owned(), source.to_owned());
        Ok(Self { rows, fetched, failed: Vec::new(), date, source })
    }

    fn fetched_at(&self, provider: &str) -> Option<u64> {
        self.fetched.iter().find(|(name, _)| name == provider).map(|(_, at)| *at)
    }
}

fn row(connection: &Connection, model: &str, facts: Facts, routes: &Routes) -> ModelRow {
    let route = connection.route_to(model);
    let roles = routes.roles.iter().filter(|(_, chain)| chain.first() == Some(&route));
    let roles = roles.map(|(role, _)| role.clone()).collect();
    ModelRow { provider: connection.name.clone(), model: model.to_owned(), facts, roles }
}

impl ModelRow {
    fn has(&self, words: &[String]) -> bool {
        let name = self.facts.name.as_deref().unwrap_or_default();
        let text = format!("{}/{} {name}", self.provider, self.model).to_lowercase();
        words.iter().all(|word| text.contains(word))
    }

    fn powers(&self) -> String {
        let facts = &self.facts;
        let powers = [
            (facts.tools == Some(true), "tools"),
            (facts.reasoning == Some(true), "reasoning"),
            (facts.images == Some(true), "images"),
            (facts.embeds, "embeddings"),
        ];
        let words = powers.into_iter().filter(|(has, _)| *has).map(|(_, word)| word);
        words.collect::<Vec<_>>().join(" ")
    }

    fn price(&self) -> String {
        let prices = self.facts.input_price.zip(self.facts.output_price);
        prices.map_or_else(String::new, |(input, output)| format!("${input} / ${output}"))
    }

    fn cells(&self, fetched_at: Option<u64>) -> [Value; 17] {
        let facts = &self.facts;
        let tokens = |number: Option<u64>| number.map_or(Value::Nothing, Value::Tokens);
        let price = |price: Option<f64>| price.map_or(Value::Nothing, Value::Number);
        let cost = [("input", price(facts.input_price)), ("output", price(facts.output_price))];
        let listed_at = fetched_at.filter(|_| facts.listed);
        [
            format!("{}/{}", self.provider, self.model).into(),
            tokens(facts.context),
            tokens(facts.output),
            self.price().into(),
            self.powers().into(),
            Value::toned(self.roles.join(" "), Tone::Good),
            (&self.provider).into(),
            (&self.model).into(),
            facts.name.as_ref().into(),
            Value::record(cost),
            facts.tools.into(),
            facts.reasoning.into(),
            facts.images.into(),
            facts.embeds.into(),
            facts.listed.into(),
            listed_at.map_or(Value::Nothing, Value::count),
            Value::list(&self.roles),
        ]
    }
}

fn columns() -> [Column; 17] {
    [
        Column::for_people("MODEL", ColumnKind::Text),
        Column::new("context", "READS", ColumnKind::Tokens),
        Column::new("output", "WRITES", ColumnKind::Tokens),
        Column::for_people("PER MILLION", ColumnKind::Figures),
        Column::for_people("CAN", ColumnKind::Text),
        Column::for_people("ROLES", ColumnKind::Text),
        Column::for_programs("provider", ColumnKind::Text),
        Column::for_programs("model", ColumnKind::Text),
        Column::for_programs("name", ColumnKind::Text),
        Column::for_programs("cost", ColumnKind::Data),
        Column::for_programs("tools", ColumnKind::Flag),
        Column::for_programs("reasoning", ColumnKind::Flag),
        Column::for_programs("images", ColumnKind::Flag),
        Column::for_programs("embeddings", ColumnKind::Flag),
        Column::for_programs("listed", ColumnKind::Flag),
        Column::for_programs("listed_at_ms", ColumnKind::Count),
        Column::for_programs("roles", ColumnKind::Data),
    ]
}

impl Output for ModelTable {
    fn document(&self) -> Document {
        let rows = self.rows.iter().map(|row| row.cells(self.fetched_at(&row.provider)));
        let keys = ["provider", "reason"];
        let failed =
            Table::new("unavailable", keys.map(|key| Column::for_programs(key, ColumnKind::Text)));
        let failed = failed
            .rows(self.failed.iter().map(|(provider, reason)| [provider, reason].map(Value::from)));
        let bundled = Pairs::new("bundled")
            .for_programs("date", &self.date)
            .for_programs("source", &self.source);
        Document::new("Models")
            .with(Table::new("models", columns()).rows(rows))
            .with(Heading::end())
            .with(self.ages())
            .with_all(self.remarks())
            .with(failed)
            .with(bundled)
    }
}

impl ModelTable {
    /// Says how old the lists are.
    fn ages(&self) -> Timeline {
        let moment = |(provider, at_ms): &(String, u64)| Moment {
            at_ms: *at_ms,
            text: vec![Span::muted(format!("{provider} listed its models"))],
            detail: String::new(),
            tone: Tone::Neutral,
        };
        Timeline { key: String::new(), moments: self.fetched.iter().map(moment).collect() }
    }

    /// Says who gave no list, and how many models there are.
    fn remarks(&self) -> impl Iterator<Item = Block> {
        let failed = self.failed.iter().map(|(provider, reason)| {
            let words = format!("{provider} gave no list: {reason}");
            Block::paragraph(Span::toned(words, Tone::Warning))
        });
        let shown = plural(self.rows.len(), "model");
        let all = format!("{shown}; what no provider says is of {}", self.date);
        failed.chain([Block::paragraph(Span::muted(all))])
    }
}

#[cfg(test)]
mod tests;
