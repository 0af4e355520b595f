import { noise, wander } from "./noise.ts";

/**
 * The state of the car, every three seconds while it is driven: the signals of one line as the inside of a JSON object.
 * Names and units are those of the Vehicle Signal Specification without its leading `Vehicle.` (README.md).
 */
export function statusSignals(carSeed: number, step: number): string {
  const wear = (wheel: number) => Math.min(100, Math.round(10 + 60 * noise(carSeed, 20, wheel) + step / 40_000));
  const pressure = (wheel: number) => Math.round(wander(carSeed, 30 + wheel, step, 218, 252, 5_000));
  const running = wander(carSeed, 40, step, 0, 1, 900) > 0.06;
  const night = wander(carSeed, 41, step, 0, 1, 28_800) > 0.5;
  const coolant = running ? wander(carSeed, 42, step, 82, 97, 700) : 40;
  return (
    wheels
      .map((path, wheel) => `"${path}.Tire.Pressure":${pressure(wheel)},"${path}.Brake.PadWear":${wear(wheel)},`)
      .join("") +
    `"Chassis.ParkingBrake.IsEngaged":${!running},` +
    `"Chassis.Brake.PedalPosition":${Math.round(Math.max(0, wander(carSeed, 43, step, -60, 60, 23)))},` +
    `"Body.Lights.Beam.Low.IsOn":${night},` +
    `"Body.Lights.Beam.High.IsOn":${night && noise(carSeed, 44, Math.floor(step / 20)) < 0.1},` +
    `"Body.Lights.Hazard.IsSignaling":${noise(carSeed, 45, Math.floor(step / 10)) < 0.005},` +
    `"Powertrain.CombustionEngine.IsRunning":${running},` +
    `"Powertrain.CombustionEngine.Speed":${running ? Math.round(wander(carSeed, 46, step, 750, 3_400, 61)) : 0},` +
    `"Powertrain.CombustionEngine.EngineCoolant.Temperature":${coolant.toFixed(1)},` +
    `"Powertrain.CombustionEngine.EngineOil.Temperature":${(coolant + 8).toFixed(1)},` +
    `"LowVoltageBattery.CurrentVoltage":${(running ? 13.8 + noise(carSeed, 47, step) * 0.6 : 12.2).toFixed(2)}`
  );
}

const wheels = [
  "Chassis.Axle.Row1.Wheel.Left",
  "Chassis.Axle.Row1.Wheel.Right",
  "Chassis.Axle.Row2.Wheel.Left",
  "Chassis.Axle.Row2.Wheel.Right",
] as const;
