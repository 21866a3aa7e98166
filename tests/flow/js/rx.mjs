// rx.mjs - stands for `rxjs`: the names of our module under which the vocabulary calls RxJS.
import * as own from '../../../src/domain/script/worker/js/live_operators.js';
import { define, Stream } from '../../../src/domain/script/worker/js/live_stream.js';

const steps = define(own.operators);
export const { audit, auditTime, buffer, bufferCount, bufferTime, bufferToggle, bufferWhen, catchError, combineLatestAll, combineLatestWith, concatAll, concatMap, concatWith, connect, count, debounce, debounceTime, defaultIfEmpty, delay, delayWhen, dematerialize, distinct, distinctUntilChanged, distinctUntilKeyChanged, elementAt, endWith, every, exhaustAll, exhaustMap, expand, filter, finalize, find, findIndex, first, groupBy, ignoreElements, isEmpty, last, map, mapTo, materialize, max, mergeAll, mergeMap, mergeScan, mergeWith, min, observeOn, onErrorResumeNextWith, pairwise, raceWith, reduce, repeat, repeatWhen, retry, retryWhen, sample, sampleTime, scan, sequenceEqual, share, shareReplay, single, skip, skipLast, skipUntil, skipWhile, startWith, subscribeOn, switchAll, switchMap, switchScan, take, takeLast, takeUntil, takeWhile, tap, throttle, throttleTime, throwIfEmpty, timeInterval, timeout, timestamp, toArray, window, windowCount, windowTime, windowToggle, windowWhen, withLatestFrom, zipAll, zipWith } = steps;
export const { of, throwError, defer, interval, timer, range, generate, iif, using, merge, concat, race, onErrorResumeNext, combineLatest, zip, forkJoin, partition } = own.creation;
export const { Subject, BehaviorSubject, ReplaySubject, AsyncSubject } = own;
export const asyncScheduler = undefined;
export const pipe = (...all) => (stream) => stream.pipe(...all);
export const from = (list) => (list instanceof Stream ? list : of(...list));
export let EMPTY;
export let NEVER;

// For each case anew: a stream that stays belongs to the loop it was built on.
export function makeConstants() {
    EMPTY = own.constants().EMPTY;
    NEVER = own.constants().NEVER;
}
