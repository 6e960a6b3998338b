/** `localStorage` of a browser, as far as the page uses it. `items` shows what is stored. */
export class Area {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => void this.items.set(key, value);
  removeItem = (key) => void this.items.delete(key);
  clear = () => this.items.clear();
  key = (index) => [...this.items.keys()][index] ?? null;
  get length() {
    return this.items.size;
  }
}
