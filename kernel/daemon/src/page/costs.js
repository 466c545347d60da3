// What was spent, and how tasks ended.

import { bars } from './chart.js';
import * as format from './format.js';
import { node, pairs } from './node.js';

const TONES = { accepted: 'good', stopped: 'warning', paused: 'warning', interrupted: 'warning', failed: 'bad' };

/** Returns the page. */
export function page(app) {
  let [cost, status] = [null, null];
  return {
    title: 'Costs',
    async load() { [cost, status] = await Promise.all([app.get('/cost'), app.get('/status')]); },
    view() {
      if (!cost) return node('p', { class: 'faint' }, 'Loading…');
      const limit = cost.limit_usd;
      return [
        pairs([
          ['Last 24 hours', format.money(cost.cost_usd, cost.is_upper_limit)],
          ['Today', format.money(cost.today_usd, cost.is_upper_limit)],
          ['Limit of a day', limit === null ? 'none' : format.money(limit)],
          ['Since there is a record', format.money(cost.total_usd)],
          ['Turns', String(cost.turns)],
          ['Tokens', format.short(cost.tokens)],
        ]),
        limit === null ? null : [node('h2', null, 'Of the limit'), bars('Of the limit', [{
          label: 'spent', value: cost.today_usd, shown: format.share(limit ? cost.today_usd / limit : 1), tone: cost.today_usd >= limit * 0.8 ? 'warning' : 'good' }], limit)],
        node('h2', null, 'By model, last 24 hours'),
        cost.by_model.length ? bars('Cost by model', cost.by_model.map((model) => ({
          label: model.model, value: model.cost_usd, shown: `${format.money(model.cost_usd)} · ${format.short(model.tokens)} tokens · ${format.count(model.turns, 'turn')}` })))
          : node('p', { class: 'faint' }, 'No model was asked.'),
        node('h2', null, 'Tasks by outcome'),
        status.tasks.length ? bars('Tasks by outcome', status.tasks.map((one) => ({
          label: one.status, value: one.count, shown: String(one.count), tone: TONES[one.status] })))
          : node('p', { class: 'faint' }, 'There are no tasks yet.'),
      ];
    },
  };
}
