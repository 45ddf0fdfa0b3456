"""The same in English, which health or public safety allows (Charter of the French language)."""

from __future__ import annotations

from collections.abc import Mapping

Said = tuple[str, ...]

ENGLISH: Mapping[str, Mapping[str, Said]] = {
    "boil": {
        "alert": (
            "Boil your water for 1 minute before drinking it",
            "{ville}: bring water to a rolling boil for 1 minute before drinking it.",
            "Tap water may make you sick. Boil it before you drink, cook or brush your teeth. "
            "Showers, baths and laundry are safe as long as nobody swallows water.",
            "Bring water to a rolling boil. Let it boil for one full minute, then let it cool.",
            "Throw out ice cubes and water already poured. Empty the jug, the coffee maker and "
            "the ice machine.",
            "Tell a neighbour. Above all someone old, or without a cell phone.",
        ),
        "lift": (
            "The water is safe to drink again",
            "{ville}: boil-water notice over. Run cold water for 5 minutes, then it is safe.",
            "Tests confirm it: the water is safe. You may drink it without boiling it.",
            "Run the cold water. Five minutes at each tap.",
            "Throw out ice cubes. Empty the tank of the ice machine and the refrigerator too.",
        ),
    },
    "no_consumption": {
        "alert": (
            "Do not drink tap water",
            "{ville}: do not drink tap water, even boiled. Use bottled water.",
            "Tap water is dangerous, even boiled. Do not drink it. Do not cook or prepare baby "
            "bottles with it. Use bottled water.",
            "Do not drink the water. Boiling it is not enough.",
            "Use bottled water. To drink, cook, wash food and brush your teeth.",
            "Give bottled water to animals too. And tell your neighbours.",
        ),
        "lift": (
            "The water is safe to drink again",
            "{ville}: notice over. Tap water is safe. Run cold water for 5 minutes.",
            "Tests confirm it: the water is safe. You may drink it again.",
            "Run the cold water. Five minutes at each tap.",
            "Throw out whatever holds water from before. Ice cubes, jugs, prepared food.",
        ),
    },
    "preventive_boil": {
        "alert": (
            "As a precaution, boil your water for 1 minute",
            "{ville}: as a precaution, boil water for 1 minute before drinking it.",
            "Work or a break touched the water main. Nothing says that the water is bad, but boil "
            "it until the tests are in.",
            "Bring water to a rolling boil. One full minute before drinking it.",
            "Wait for our message. We will tell you when the water is safe.",
        ),
        "lift": (
            "The water is safe to drink",
            "{ville}: precautionary notice over. The water is safe without boiling.",
            "The tests are good. You need not boil the water any more.",
            "Run the cold water. Two minutes at each tap.",
        ),
    },
    "evacuation": {
        "alert": (
            "Leave your home now",
            "{ville}, EMERGENCY: leave your home now. Follow the firefighters' instructions.",
            "Your area is dangerous. Leave at once. Follow the instructions of firefighters and "
            "police. Do not come back before our message.",
            "Leave now. Take your medication, your papers, your glasses and warm clothes.",
            "Take everyone with you. Children, older people and animals.",
            "Lock the doors. Cut the power only if you are asked to.",
            "If you need help to leave, call 911.",
        ),
        "lift": (
            "You may go home",
            "{ville}: evacuation over. You may go home.",
            "The danger is over. You may go home by the streets that are open.",
            "Look before you enter. If you smell gas or see damage, leave and call 911.",
        ),
    },
    "shelter": {
        "alert": (
            "Stay inside and close the windows",
            "{ville}, EMERGENCY: stay inside. Close doors and windows. Wait for our message.",
            "It is dangerous to go out. Stay inside, close everything and wait for our message.",
            "Go inside and stay there. Bring animals in too.",
            "Close doors and windows. Stop the ventilation, the range hood and the fireplace.",
            "Leave children at school. The school takes care of them.",
            "Keep the line free. Call 911 only for an emergency.",
        ),
        "lift": (
            "You may go out",
            "{ville}: shelter order over. You may go out. Air your home.",
            "The danger is over. You may leave your home.",
            "Air your home. Open the windows and start the ventilation again.",
        ),
    },
    "flood": {
        "alert": (
            "The water is rising: get ready to leave",
            "{ville}: the water is rising. Empty the basement, get ready to leave. Danger: 911.",
            "The water is rising and may enter homes. Put people before belongings.",
            "Move your belongings up. Empty the basement, dangerous products first.",
            "Get ready to leave. Medication, papers, clothes and food for three days.",
            "Do not walk or drive through water. Thirty centimetres carry a car away.",
        ),
        "lift": (
            "The water is going down",
            "{ville}: flood alert over. Do not restore power in a wet basement.",
            "The water is going down. The danger is over.",
            "Do not restore the power alone. Have it checked first.",
            "Photograph the damage. Before you clean, for financial assistance.",
        ),
    },
    "outage": {
        "alert": (
            "Outage in your area: keep warm, burn nothing indoors",
            "{ville}: outage in your area. Never use a barbecue or a generator indoors.",
            "The service is down in your area. Crews are at work.",
            "Use no barbecue or generator indoors. The gas that they give off kills.",
            "Keep the refrigerator closed. Food stays cold in it for four hours.",
            "Visit someone who is alone. Above all a person with a medical device.",
        ),
        "lift": (
            "The service is back",
            "{ville}: the service is back. When in doubt about food, throw it out.",
            "The service is back in the whole area.",
            "Throw out doubtful food. Whatever stayed warm for more than two hours.",
        ),
    },
    "ice": {
        "alert": (
            "Freezing rain: stay home",
            "{ville}: freezing rain. Stay home if you can. Touch no wire on the ground.",
            "Ice makes streets and sidewalks very slippery. Branches and wires may fall.",
            "Stay home. Go out only if you must.",
            "Touch no wire on the ground. Stand ten metres away and call 911.",
            "Get ready for an outage. Lamp, batteries, blankets, food.",
        ),
        "lift": (
            "The freezing rain is over",
            "{ville}: freezing rain alert over. Take care on the sidewalks.",
            "The main streets are clear. The alert is over.",
            "Take care. Small streets and sidewalks may still be slippery.",
        ),
    },
    "cold": {
        "alert": (
            "Extreme cold: stay warm",
            "{ville}: extreme cold. Stay warm. A warming place is open, see the page.",
            "It is cold enough to freeze skin within minutes.",
            "Stay warm. If your heating fails, come to the warming place.",
            "Cover up well. Head, hands and face, even for a few minutes.",
            "Check on others. People alone, older people, neighbours without heating.",
        ),
        "lift": (
            "The extreme cold is over",
            "{ville}: extreme cold alert over.",
            "The temperature is rising. The alert is over.",
        ),
    },
    "smoke": {
        "alert": (
            "Smoke: close the windows and stay inside",
            "{ville}: dangerous smoke. Stay inside, close windows and ventilation.",
            "Smoke in the air is bad for health, above all for children, older people and people "
            "who are ill.",
            "Stay inside. Close doors, windows and ventilation.",
            "Rest. Avoid effort, even inside.",
            "If breathing is hard, call Info-Santé at 811, or 911 if it is serious.",
        ),
        "lift": (
            "The air is good again",
            "{ville}: smoke alert over. The air is good again. Air your home.",
            "The smoke has cleared. The air is good again.",
            "Air your home. And change the filter of the ventilation.",
        ),
    },
    "missing_person": {
        "alert": (
            "Help us find a missing person",
            "{ville}: missing person. See the description on the page. Seen them? Call 911.",
            "We are looking for a missing person. Write here the first name, age, clothes, and "
            "where and when the person was seen.",
            "Look around you. Yard, shed, car, waterside.",
            "If you see the person, call 911. Stay near without causing fright.",
        ),
        "lift": (
            "The missing person was found",
            "{ville}: the missing person was found. Thank you for your help.",
            "The person was found. Thank you to everyone who helped.",
        ),
    },
    "night_parking": {
        "alert": (
            "Do not park in the street tonight",
            "{ville}: no parking in the streets tonight, midnight to 7 am, for snow removal.",
            "Crews clear the snow tonight. Parking in the street is forbidden from midnight to "
            "7 a.m.",
            "Move your car before midnight. A car left in the street may be towed.",
        ),
        "lift": (
            "Parking in the street is allowed",
            "{ville}: parking in the streets is allowed again tonight.",
            "Snow removal is done. You may park in the street.",
        ),
    },
}
