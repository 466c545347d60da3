// A task that is to be started.

import { onceName } from './api.js';
import { field, node } from './node.js';

const number = (form, name) => (form[name].value === '' ? undefined : Number(form[name].value));

/** Returns what the form says, as the API takes it. */
export function read(form) {
  const text = (name) => form[name].value.trim() || undefined;
  return {
    description: form.description.value,
    workspace: text('workspace'),
    model: text('model'),
    max_iterations: number(form, 'max_iterations'),
    budget: number(form, 'budget'),
    think: form.think.checked,
    worktree: form.worktree.checked,
  };
}

/** Returns the page with the form. */
export function page(app) {
  let [models, places, isLoaded, isBusy, name] = [[], [], false, false, onceName()];
  const submit = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    app.render();
    const taken = await app.done(() => app.post('/tasks', read(event.target.elements), name), 'The task is submitted.');
    isBusy = false;
    if (taken) app.go(`#/tasks/${taken.task_id}`);
    // What was refused may be sent again, changed; what may not have arrived is sent under the same name.
    else if (app.refused()) name = onceName();
    app.render();
  };
  return {
    title: 'Start a task',
    isStill: true,
    async load() {
      // Both only help to fill the form in.
      const [all, last] = await Promise.allSettled([app.get('/models'), app.get('/tasks?limit=100')]);
      models = (all.value?.models ?? []).map((model) => model.id);
      places = [...new Set((last.value?.tasks ?? []).map((task) => task.workspace))];
      isLoaded = true;
    },
    view() {
      // What is filled in is set once.
      if (!isLoaded) return node('p', { class: 'faint' }, 'Loading…');
      const list = (id, all) => node('datalist', { id, key: id }, all.map((value) => node('option', { value })));
      return node('form', { onsubmit: submit, autocomplete: 'off' },
        field('What to do', 'description', { required: true, rows: '5', 'data-first': true }, 'textarea'),
        node('div', { class: 'fields', key: 'fields' },
          field('Workspace (absolute path)', 'workspace', { list: 'places', placeholder: 'the daemon’s default', value: places[0] ?? '' }),
          field('Model', 'model', { list: 'models', placeholder: 'as configured' }),
          field('Most iterations', 'max_iterations', { type: 'number', min: '0', max: '1000', placeholder: 'as configured' }),
          field('Budget in $', 'budget', { type: 'number', min: '0', step: 'any', placeholder: 'as configured' })),
        list('places', places), list('models', models),
        node('label', { class: 'choice', key: 'think' }, node('input', { type: 'checkbox', name: 'think' }), 'Have a chamber look at the plan first'),
        node('label', { class: 'choice', key: 'worktree' }, node('input', { type: 'checkbox', name: 'worktree' }), 'Work in a worktree of its own'),
        node('div', { class: 'actions', key: 'actions' },
          node('button', { type: 'submit', class: 'main', disabled: isBusy }, 'Start'),
          node('a', { class: 'button', href: '#/tasks' }, 'Back')));
    },
  };
}
