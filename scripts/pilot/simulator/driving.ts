import { noise, wander } from "./noise.ts";

const areas = ["harbour", "old town", "ring road", "airport", "industrial park", "campus"];

/**
 * What the driver does, once a second: the signals of one line as the inside of a JSON object. Names and units are those
 * of the Vehicle Signal Specification without its leading `Vehicle.` (README.md holds the table).
 */
export function drivingSignals(carSeed: number, car: number, step: number): string {
  const speed = Math.max(0, wander(carSeed, 1, step, -15, 135, 420));
  const trend = wander(carSeed, 1, step + 1, -15, 135, 420) - speed;
  const accelerator = speed > 0 && trend >= 0 ? Math.min(100, Math.round(12 + trend * 40)) : 0;
  const brake = trend < -0.25 ? Math.min(100, Math.round(-trend * 45)) : 0;
  const steering = Math.round(wander(carSeed, 2, step, -180, 180, 97) * (1 - speed / 180));
  const area = areas[Math.floor(noise(carSeed, 3, Math.floor(step / 300)) * areas.length)];
  const latitude = (48.1 + wander(carSeed, 4, step, -0.08, 0.08, 3_600)).toFixed(6);
  const longitude = (11.57 + wander(carSeed, 5, step, -0.12, 0.12, 4_100)).toFixed(6);
  return (
    `"Driver.Identifier.Subject":"driver-${String(car).padStart(3, "0")}",` +
    `"Chassis.Accelerator.PedalPosition":${accelerator},` +
    `"Chassis.Brake.PedalPosition":${brake},` +
    `"Chassis.SteeringWheel.Angle":${steering},` +
    `"Body.Lights.DirectionIndicator.Left.IsSignaling":${steering > 60},` +
    `"Body.Lights.DirectionIndicator.Right.IsSignaling":${steering < -60},` +
    `"Speed":${speed.toFixed(1)},` +
    `"CurrentLocation.Latitude":${latitude},` +
    `"CurrentLocation.Longitude":${longitude},` +
    `"Pilot.Area":"${area}"`
  );
}
