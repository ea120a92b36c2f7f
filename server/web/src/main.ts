import './app.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { prefs } from './lib/prefs.svelte';
import { router } from './lib/router.svelte';
import { session } from './lib/session.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has to have an element #app');

prefs.start();
router.start();
void session.read();
mount(App, { target });
