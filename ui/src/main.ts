import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { keepFocus } from './lib/focus';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no #app');
mount(App, { target });
keepFocus();
