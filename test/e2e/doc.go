// Package e2e tests netcore as its users have it: the real programs, started
// with a configuration file, with clients that count every message.
//
// By default the tests take about two minutes; with NETCORE_E2E=full in the
// environment they repeat what is random as often as the promises say. With
// NETCORE_E2E_RACE=1 the programs are built with the race detector.
package e2e
