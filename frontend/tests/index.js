// Lets `node --test frontend/tests/` mean the same on every Node: newer ones run a folder's index, Node 20 searches the folder.
import './admin.test.js';
import './gateway.test.js';
import './run.test.js';
import './session.test.js';
import './sse.test.js';
import './words.test.js';
