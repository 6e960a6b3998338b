// Work in slices: what fails does not stop the rest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { idle, later, whenReady } from "../../../tornado_stream/static/js/markdown/scheduler.js";

/** Wait until all work is done, and return the errors that nothing caught meanwhile. */
async function errorsUntilIdle() {
  const errors = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => errors.push(error.message));
  await idle();
  process.removeAllListeners("uncaughtException");
  for (const listener of listeners) process.on("uncaughtException", listener);
  return errors;
}

test("text comes before the rest, and the newest comes first", async () => {
  const done = [];
  await whenReady(Promise.resolve(() => done.push("colour")));
  for (const name of ["older", "newer"]) later(() => done.push(name));
  await idle();
  assert.deepEqual(done, ["newer", "older", "colour"]);
});

test("work whose module cannot be loaded does not stop later work", async () => {
  const done = [];
  await whenReady(Promise.reject(new Error("not loaded")));
  later(() => done.push("text"));
  await whenReady(Promise.resolve(() => done.push("colour")));
  await idle();
  assert.deepEqual(done, ["text", "colour"]);
});

test("work that throws does not stop the rest, and its error is reported", async () => {
  const done = [];
  const broken = () => {
    throw new Error("broken");
  };
  for (const work of [() => done.push("older"), broken, () => done.push("newer")]) later(work);
  assert.deepEqual(await errorsUntilIdle(), ["broken"]);
  later(() => done.push("later"));
  await idle();
  assert.deepEqual(done, ["newer", "older", "later"]);
});
