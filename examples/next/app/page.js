"use client";
import { useEffect, useState } from "react";
import { classify, load } from "sepconv";

export default function Page() {
  const [label, setLabel] = useState("");
  useEffect(() => {
    load("/colors.tflite")
      .then((net) => classify(net, "/picture.jpg"))
      .then(({ classes }) => setLabel(classes[0].label));
  }, []);
  return <p id="answer">{label}</p>;
}
